using System.Diagnostics.Metrics;

namespace McpGateway.Sessions;

/// <summary>
/// Instruments of the pools of one host, modelled on OpenTelemetry's <c>db.client.connection.*</c>, for which MCP has no convention
/// yet. Session ids and principals are never attributes. They go with the host: its meter factory takes them back.
/// </summary>
internal sealed class PoolMetrics
{
    public const string MeterName = "McpGateway";

    public const string UpstreamTag = "mcp.gateway.upstream";

    private readonly Meter _meter;

    public PoolMetrics(IMeterFactory meters)
    {
        _meter = meters.Create(MeterName);
        Wait = Seconds("mcp.gateway.pool.wait_time", "Time a caller waited for a session.");
        Create = Seconds("mcp.gateway.pool.create_time", "Time from the start of a handshake to a verified session.");
        Use = Seconds("mcp.gateway.pool.use_time", "Time from a lease to its return.");
        Session = Seconds("mcp.client.session.duration", "How long a session with an upstream was open.");
        Leases = _meter.CreateCounter<long>("mcp.gateway.pool.lease.count", "{lease}", "Leases by result: warm without waiting, waited, miss where nothing is kept for such a client, refused.");
        Evictions = _meter.CreateCounter<long>("mcp.gateway.pool.evictions", "{session}", "Sessions closed, by reason.");
        InitFailures = _meter.CreateCounter<long>("mcp.gateway.init.failures", "{failure}", "Handshakes that failed, by kind of failure.");
    }

    public Histogram<double> Wait { get; }

    public Histogram<double> Create { get; }

    public Histogram<double> Use { get; }

    public Histogram<double> Session { get; }

    public Counter<long> Leases { get; }

    public Counter<long> Evictions { get; }

    public Counter<long> InitFailures { get; }

    /// <summary>Adds the gauges, read from the pools when a collector asks. Once per host: what is measured twice is counted twice.</summary>
    public void Observe(Func<IEnumerable<Upstreams.Upstream>> upstreams)
    {
        _meter.CreateObservableGauge("mcp.gateway.pool.session.count", () => upstreams().SelectMany(Counts), "{session}", "Sessions by state.");
        _meter.CreateObservableGauge("mcp.gateway.pool.session.max", () => upstreams().Select(upstream => Of(upstream, upstream.Config.Pool.Max)), "{session}", "Sessions at most.");
        _meter.CreateObservableGauge("mcp.gateway.pool.session.idle.min", () => upstreams().Select(upstream => Of(upstream, upstream.Config.Pool.MinIdle)), "{session}", "Sessions kept open and unused.");
        _meter.CreateObservableGauge("mcp.gateway.pool.pending_requests", () => upstreams().Select(upstream => Of(upstream, upstream.Counts.Waiting)), "{request}", "Callers waiting for a session.");
        _meter.CreateObservableGauge("mcp.gateway.breaker.state", () => upstreams().Select(upstream => Of(upstream, upstream.Breaker.IsOpen ? 1 : 0)), "1", "1 while the breaker is open.");
    }

    private static IEnumerable<Measurement<int>> Counts(Upstreams.Upstream upstream)
    {
        var counts = upstream.Counts;
        var (idle, leased, parked, pinned) = counts.ByState;
        return
        [
            new(idle, Tag(upstream.Name), new("state", "idle")),
            new(leased, Tag(upstream.Name), new("state", "leased")),
            new(parked, Tag(upstream.Name), new("state", "parked")),
            new(pinned, Tag(upstream.Name), new("state", "pinned")),
            new(counts.Opening, Tag(upstream.Name), new("state", "warming")),
        ];
    }

    private static Measurement<int> Of(Upstreams.Upstream upstream, int value) => new(value, Tag(upstream.Name));

    private static KeyValuePair<string, object?> Tag(string upstream) => new(UpstreamTag, upstream);

    /// <summary>A lease, and a handshake nearby, take less than the conventions' shortest bucket.</summary>
    private Histogram<double> Seconds(string name, string description) => _meter.CreateSeconds(name, description, 0.001, 0.005);
}
