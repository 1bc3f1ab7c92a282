using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace McpGateway.Endpoints.Streams;

/// <summary>
/// The id of an event, by which a client goes on with a stream it has lost: which stream, and how far it got. Ids are the
/// gateway's own, never an upstream's. They are looked up in the client's session only, and streams have random names, so that an
/// id of one session means nothing in another.
/// </summary>
/// <param name="Stream">The stream's name.</param>
/// <param name="Sequence">Number of the event on it; 0 for the one that only primes.</param>
/// <param name="RequestId">The JSON id of the request that the stream answers, so that its client can be told when the answer is lost; null for a stream that answers none, or an id too long to carry.</param>
internal readonly record struct StreamEventId(string Stream, long Sequence, string? RequestId)
{
    /// <summary>Bytes of a request id at most; clients count, so that real ones are short.</summary>
    private const int MaxRequestId = 96;

    /// <summary>The gateway that keeps the stream; null where there is one gateway.</summary>
    public string? Owner => OwnerOf(Stream);

    /// <summary>A random name, which says whose it is.</summary>
    /// <param name="replica">This gateway's name; empty where it is alone.</param>
    public static string NewName(string replica)
    {
        var random = RandomNumberGenerator.GetHexString(32, lowercase: true);
        return replica.Length == 0 ? random : $"{random}.{replica}";
    }

    /// <summary>The gateway in a name of <see cref="NewName"/>; null for none.</summary>
    public static string? OwnerOf(string name) => name.IndexOf('.', StringComparison.Ordinal) is >= 0 and var at ? name[(at + 1)..] : null;

    /// <summary>The part of the id that all events of a stream share, before the sequence and after it.</summary>
    public static (string Head, string Tail) Frame(string stream, ReadOnlySpan<byte> requestId) =>
        ($"{stream}-", requestId.IsEmpty || requestId.Length > MaxRequestId ? "" : $"-{Base64Url.EncodeToString(requestId)}");

    public static bool TryParse(string text, out StreamEventId id)
    {
        id = default;
        var parts = text.Split('-', 3);
        if (parts.Length < 2 || parts[0].Length == 0 || !long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var sequence)) return false;
        string? requestId = null;
        if (parts.Length == 3 && !TryReadRequestId(parts[2], out requestId)) return false;
        id = new StreamEventId(parts[0], sequence, requestId);
        return true;
    }

    /// <summary>Only what is a JSON id and nothing else: it goes back into a message as it is.</summary>
    private static bool TryReadRequestId(string text, out string? json)
    {
        json = null;
        if (text.Length == 0 || text.Length > MaxRequestId * 2 || !Base64Url.IsValid(text)) return false;
        var bytes = Base64Url.DecodeFromChars(text);
        try
        {
            var reader = new System.Text.Json.Utf8JsonReader(bytes);
            if (!reader.Read() || reader.TokenType is not (System.Text.Json.JsonTokenType.String or System.Text.Json.JsonTokenType.Number) || reader.Read()) return false;
        }
        catch (System.Text.Json.JsonException)
        {
            return false;
        }

        json = Encoding.UTF8.GetString(bytes);
        return true;
    }
}
