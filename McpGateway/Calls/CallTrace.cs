using System.Diagnostics;

namespace McpGateway.Calls;

/// <summary>
/// The trace that a client's HTTP request names in its headers (W3C Trace Context). Where spans are recorded, the gateway's own stands
/// between; where none are, it passes the trace on as it came, as a proxy that takes no part in tracing should.
/// </summary>
/// <param name="Parent">The header <c>traceparent</c>, checked.</param>
/// <param name="State">The header <c>tracestate</c>; null when there is none.</param>
internal sealed record CallTrace(string Parent, string? State)
{
    /// <summary>Null when the request names none, or none that can be read.</summary>
    public static CallTrace? Of(HttpRequest request)
    {
        if (request.Headers.TraceParent is not [{ Length: > 0 } parent]) return null;
        var state = request.Headers.TraceState.ToString();
        return ActivityContext.TryParse(parent, state, out _) ? new CallTrace(parent, state.Length == 0 ? null : state) : null;
    }
}
