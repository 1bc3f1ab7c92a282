using System.Diagnostics.Metrics;
using McpGateway.Sessions;

namespace McpGateway.Calls;

/// <summary>
/// Instruments of the calls of one host. The durations are OpenTelemetry's for MCP (semantic conventions for generative AI, <c>mcp.md</c>),
/// with the buckets given there; the counters are the gateway's own. They go with the host: its meter factory takes them back.
/// </summary>
internal sealed class CallMetrics
{
    public CallMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(PoolMetrics.MeterName);
        Client = meter.CreateSeconds("mcp.client.operation.duration", "A client's request on its way to the upstream and back, each attempt by itself.");
        Server = meter.CreateSeconds("mcp.server.operation.duration", "A client's request as the gateway served it.");
        ServerSession = meter.CreateSeconds("mcp.server.session.duration", "How long a client's session with the gateway lasted.");
        Calls = meter.CreateCounter<long>("mcp.gateway.calls", "{call}", "Calls that have ended, but for those that their caller gave up and those that no session decided: refused as they were made, credential, throttled.");
        FirstAttempt = meter.CreateCounter<long>("mcp.gateway.calls.first_attempt", "{call}", "Those of mcp.gateway.calls that the first attempt answered.");
        Failures = meter.CreateCounter<long>("mcp.gateway.call.failures", "{failure}", "Failures of a call towards its upstream, by kind, and whether the caller saw it.");
        Classified = meter.CreateCounter<long>("mcp.gateway.classifier.count", "{answer}", "Answers that looked like a failure, by shape, and what became of the call.");
    }

    public Histogram<double> Client { get; }

    public Histogram<double> Server { get; }

    public Histogram<double> ServerSession { get; }

    public Counter<long> Calls { get; }

    public Counter<long> FirstAttempt { get; }

    public Counter<long> Failures { get; }

    public Counter<long> Classified { get; }
}
