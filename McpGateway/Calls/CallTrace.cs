using System.Diagnostics;
using System.Text.Json;
using McpGateway.Protocol;

namespace McpGateway.Calls;

/// <summary>
/// The trace that a client's request names (W3C Trace Context), in its HTTP headers or in <c>_meta</c>. Where spans are recorded, the
/// gateway's own stands between; where none are, it passes the trace on as it came, as a proxy that takes no part in tracing should.
/// </summary>
/// <param name="Parent"><c>traceparent</c>, checked.</param>
/// <param name="State"><c>tracestate</c>; null when there is none.</param>
internal sealed record CallTrace(string Parent, string? State)
{
    /// <summary>Null when the request names none, or none that can be read.</summary>
    public static CallTrace? Of(HttpRequest request)
    {
        if (request.Headers.TraceParent is not [{ Length: > 0 } parent]) return null;
        var state = request.Headers.TraceState.ToString();
        return ActivityContext.TryParse(parent, state, out _) ? new CallTrace(parent, state.Length == 0 ? null : state) : null;
    }

    /// <summary>
    /// What <c>_meta</c> names by the members of SEP-414; the default when it names nothing, or nothing that can be read. It speaks of the
    /// message, where the headers speak only of the exchange that carried it, and so comes first.
    /// </summary>
    public static ActivityContext ContextOf(ReadOnlySpan<byte> meta)
    {
        if (meta.IndexOf("\"traceparent\""u8) < 0) return default;
        var (parent, state) = ((string?)null, (string?)null);
        var reader = new Utf8JsonReader(meta);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return default;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (isParent, isState) = (reader.ValueTextEquals("traceparent"u8), reader.ValueTextEquals("tracestate"u8));
            reader.Read();
            if (reader.TokenType != JsonTokenType.String) reader.Skip();
            else if (isParent) parent = JsonText.Read(meta[(int)reader.TokenStartIndex..(int)reader.BytesConsumed]);
            else if (isState) state = JsonText.Read(meta[(int)reader.TokenStartIndex..(int)reader.BytesConsumed]);
        }

        return ActivityContext.TryParse(parent, state, isRemote: true, out var context) ? context : default;
    }
}
