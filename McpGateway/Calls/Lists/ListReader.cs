using System.Collections.Immutable;
using System.Text.Json;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams.Links;

namespace McpGateway.Calls.Lists;

/// <summary>Reads an upstream's list to its end, in bounds. Of each entry only what it is told apart by is looked at.</summary>
internal static class ListReader
{
    /// <summary>Pages at most; a server whose cursors go in circles is left there.</summary>
    public const int MaxPages = 100;

    /// <summary>Entries at most; more are left out.</summary>
    public const int MaxEntries = 10_000;

    /// <param name="link">A link on which nobody else has a call.</param>
    /// <param name="era">How the upstream speaks.</param>
    /// <param name="kind">The list.</param>
    /// <param name="upstream">The upstream's name.</param>
    /// <param name="cancellationToken">Cancelled when it takes too long.</param>
    /// <exception cref="UpstreamException">The upstream does not answer its own list, or the session is lost.</exception>
    public static async Task<ListReading> ReadAsync(UpstreamLink link, McpEra era, ListKind kind, string upstream, CancellationToken cancellationToken)
    {
        var reading = new ListReading(kind, upstream);
        string? cursor = null;
        for (var page = 0; page < MaxPages; page++)
        {
            var member = cursor is null ? "" : $"\"cursor\":{JsonSerializer.Serialize(cursor)}";
            using var answer = await LinkCalls.CallAsync(link, kind.Method, LinkCalls.Parameters(era, member), cancellationToken);
            if (answer.Shape.Kind == MessageKind.Error)
            {
                // Servers with resources alone, or templates alone, often know no method for the others.
                if (kind != ListKind.Tools && answer.Shape.ErrorCode == RpcErrorCode.MethodNotFound) return reading;
                throw Refused(link, kind, answer);
            }

            var next = reading.Add(answer.Shape.Result.Of(answer.Bytes));
            if (next is null || next == cursor) return reading;
            cursor = next;
            if (reading.Count >= MaxEntries) break;
        }

        reading.IsCut = true;
        return reading;
    }

    /// <summary>A list runs no tool: whatever speaks of the session is no tool's.</summary>
    private static UpstreamException Refused(UpstreamLink link, ListKind kind, UpstreamMessage answer)
    {
        var text = answer.ReadErrorText();
        var isLoss = FailureTable.Find(new FailureSign(link.Transport, link.KeepsSession, Code: answer.Shape.ErrorCode, Text: text)).Kind is not null;
        return new UpstreamException(isLoss ? FailureKind.SessionLost : FailureKind.NotMcp, $"The upstream refused {kind.Method}: {link.Redact(text)}");
    }
}

/// <summary>The pages of a list read so far.</summary>
internal sealed class ListReading(ListKind kind, string upstream)
{
    private readonly ImmutableArray<ListEntry>.Builder _entries = ImmutableArray.CreateBuilder<ListEntry>();

    public int Count => _entries.Count;

    /// <summary>True when the upstream has more than is kept.</summary>
    public bool IsCut { get; set; }

    /// <summary>How long the upstream says that it is good (<c>ttlMs</c>, 2026-07-28), the least of all pages; null when it does not say.</summary>
    public TimeSpan? TimeToLive { get; private set; }

    public ImmutableArray<ListEntry> ToEntries() => _entries.ToImmutable();

    /// <summary>Takes a page; returns the cursor of the next.</summary>
    public string? Add(ReadOnlyMemory<byte> result)
    {
        string? cursor = null;
        var reader = new Utf8JsonReader(result.Span, new JsonReaderOptions { MaxDepth = 128 });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("nextCursor"u8)) { reader.Read(); cursor = ReadText(ref reader, result.Span); }
            else if (reader.ValueTextEquals("ttlMs"u8)) { reader.Read(); ReadTimeToLive(ref reader); }
            else if (reader.ValueTextEquals(kind.Member)) { reader.Read(); ReadEntries(ref reader, result); }
            else { reader.Read(); reader.Skip(); }
        }

        return string.IsNullOrEmpty(cursor) ? null : cursor;
    }

    private void ReadTimeToLive(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.Number || !reader.TryGetDouble(out var milliseconds)) { reader.Skip(); return; }
        var time = TimeSpan.FromMilliseconds(Math.Clamp(milliseconds, 0, TimeSpan.FromDays(1).TotalMilliseconds));
        if (TimeToLive is not { } known || time < known) TimeToLive = time;
    }

    private void ReadEntries(ref Utf8JsonReader reader, ReadOnlyMemory<byte> result)
    {
        if (reader.TokenType != JsonTokenType.StartArray) { reader.Skip(); return; }
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var start = (int)reader.TokenStartIndex;
            if (reader.TokenType != JsonTokenType.StartObject) { reader.Skip(); continue; }
            var (name, range) = ReadName(ref reader, result.Span);
            if (name is null) continue;
            if (_entries.Count >= ListReader.MaxEntries) { IsCut = true; continue; }
            // A copy: the answer's bytes go back to their pool.
            var json = result[start..(int)reader.BytesConsumed].ToArray();
            _entries.Add(new ListEntry(name, kind.IsNamed ? AggregateName.Of(upstream, name) : name, json, new ByteRange(range.Start - start, range.End - start))
            {
                Template = kind == ListKind.Templates ? UriTemplate.Parse(name) : null,
            });
        }
    }

    private (string? Name, ByteRange Range) ReadName(ref Utf8JsonReader reader, ReadOnlySpan<byte> result)
    {
        (string? Name, ByteRange Range) found = default;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isName = reader.ValueTextEquals(kind.Key);
            reader.Read();
            if (isName && ReadText(ref reader, result) is { } text) found = (text, new ByteRange((int)reader.TokenStartIndex, (int)reader.BytesConsumed));
            reader.Skip();
        }

        return found;
    }

    private static string? ReadText(ref Utf8JsonReader reader, ReadOnlySpan<byte> result)
    {
        if (reader.TokenType == JsonTokenType.String) return JsonText.Read(result[(int)reader.TokenStartIndex..(int)reader.BytesConsumed]);
        reader.Skip();
        return null;
    }
}
