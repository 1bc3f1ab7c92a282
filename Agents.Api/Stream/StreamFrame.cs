using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Agents.Api.Stream;

/// <summary>One server-sent event, without its id.</summary>
/// <param name="Data">One line of text, UTF-8.</param>
/// <param name="Event">The event's name; null leaves it out.</param>
internal readonly record struct StreamFrame(ReadOnlyMemory<byte> Data, string? Event = null)
{
    /// <summary>How the formats of other people are written: members named as they stand here, none of them null, for their clients refuse null.</summary>
    private static readonly JsonSerializerOptions Foreign = new()
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>An event that says <paramref name="part"/> in a format of other people.</summary>
    public static StreamFrame Of<T>(T part) => new(JsonSerializer.SerializeToUtf8Bytes(part, Foreign));
}
