using System.Diagnostics.Metrics;

namespace McpGateway.Sessions;

/// <summary>
/// Instruments of the pools, modelled on OpenTelemetry's <c>db.client.connection.*</c>, for which MCP has no convention yet. Session
/// ids and principals are never attributes. Nothing is measured while nobody listens.
/// </summary>
internal static class PoolMetrics
{
    public const string MeterName = "McpGateway";

    private const string UpstreamTag = "mcp.gateway.upstream";

    private static readonly Meter s_meter = new(MeterName);

    private static readonly Histogram<double> s_wait = Seconds("mcp.gateway.pool.wait_time", "Time a caller waited for a session.");
    private static readonly Histogram<double> s_create = Seconds("mcp.gateway.pool.create_time", "Time from the start of a handshake to a verified session.");
    private static readonly Histogram<double> s_session = Seconds("mcp.client.session.duration", "How long a session with an upstream was open.");
    private static readonly Counter<long> s_leases = s_meter.CreateCounter<long>("mcp.gateway.pool.lease.count", "{lease}", "Leases by result: warm without waiting, waited, refused.");
    private static readonly Counter<long> s_evictions = s_meter.CreateCounter<long>("mcp.gateway.pool.evictions", "{session}", "Sessions closed, by reason.");
    private static readonly Counter<long> s_initFailures = s_meter.CreateCounter<long>("mcp.gateway.init.failures", "{failure}", "Handshakes that failed, by kind of failure.");
    private static readonly Counter<long> s_failures = s_meter.CreateCounter<long>("mcp.gateway.call.failures", "{failure}", "Failures of a call towards its upstream, by kind, and whether the caller saw it.");

    /// <summary>The gauges, read from the pools when a collector asks.</summary>
    public static void Observe(Func<IEnumerable<Upstreams.Upstream>> upstreams)
    {
        s_meter.CreateObservableGauge("mcp.gateway.pool.session.count", () => upstreams().SelectMany(Counts), "{session}", "Sessions by state.");
        s_meter.CreateObservableGauge("mcp.gateway.pool.session.max", () => upstreams().Select(upstream => Of(upstream, upstream.Config.Pool.Max)), "{session}", "Sessions at most.");
        s_meter.CreateObservableGauge("mcp.gateway.pool.session.idle.min", () => upstreams().Select(upstream => Of(upstream, upstream.Config.Pool.MinIdle)), "{session}", "Sessions kept open and unused.");
        s_meter.CreateObservableGauge("mcp.gateway.pool.pending_requests", () => upstreams().Select(upstream => Of(upstream, upstream.Counts.Waiting)), "{request}", "Callers waiting for a session.");
        s_meter.CreateObservableGauge("mcp.gateway.breaker.state", () => upstreams().Select(upstream => Of(upstream, upstream.Breaker.IsOpen ? 1 : 0)), "1", "1 while the breaker is open.");
    }

    /// <summary>Whether waits are measured: asks before a timestamp is taken.</summary>
    public static bool MeasuresLeases => s_wait.Enabled || s_leases.Enabled;

    public static void Leased(string upstream, bool waited, TimeSpan wait)
    {
        s_wait.Record(wait.TotalSeconds, Tag(upstream));
        s_leases.Add(1, Tag(upstream), new("result", waited ? "waited" : "warm"));
    }

    public static void Refused(string upstream) => s_leases.Add(1, Tag(upstream), new("result", "refused"));

    public static void Opened(string upstream, TimeSpan took) => s_create.Record(took.TotalSeconds, Tag(upstream));

    public static void OpenFailed(string upstream, FailureKind kind) => s_initFailures.Add(1, Tag(upstream), new("error.type", Spell(kind)));

    public static void CallFailed(string upstream, FailureKind kind, bool visible) =>
        s_failures.Add(1, Tag(upstream), new("error.type", Spell(kind)), new("visible", visible));

    public static void Closed(string upstream, UpstreamSession session, TimeProvider time)
    {
        s_evictions.Add(1, Tag(upstream), new("reason", session.CloseCode));
        if (s_session.Enabled) s_session.Record(time.GetElapsedTime(session.OpenedAt).TotalSeconds, Tag(upstream), new("mcp.protocol.version", session.Server.Version));
    }

    private static IEnumerable<Measurement<int>> Counts(Upstreams.Upstream upstream)
    {
        var counts = upstream.Counts;
        return
        [
            new(counts.Idle, Tag(upstream.Name), new("state", "idle")),
            new(counts.Leased, Tag(upstream.Name), new("state", "leased")),
            new(counts.Opening, Tag(upstream.Name), new("state", "warming")),
        ];
    }

    private static Measurement<int> Of(Upstreams.Upstream upstream, int value) => new(value, Tag(upstream.Name));

    private static KeyValuePair<string, object?> Tag(string upstream) => new(UpstreamTag, upstream);

    private static string Spell(FailureKind kind) => kind switch
    {
        FailureKind.SessionLost => "session_lost",
        FailureKind.OutcomeUnknown => "outcome_unknown",
        FailureKind.TimedOut => "timed_out",
        FailureKind.NotMcp => "not_mcp",
        _ => kind.ToString().ToLowerInvariant(),
    };

    private static Histogram<double> Seconds(string name, string description) =>
        s_meter.CreateHistogram(name, "s", description, advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300] });
}
