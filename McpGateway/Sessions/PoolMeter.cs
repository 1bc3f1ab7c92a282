namespace McpGateway.Sessions;

/// <summary>The instruments of <see cref="PoolMetrics"/> as the sessions of one upstream use them. No clock is read for an instrument that nobody listens to.</summary>
internal sealed class PoolMeter(PoolMetrics metrics, string upstream, TimeProvider time)
{
    private readonly KeyValuePair<string, object?> _upstream = new(PoolMetrics.UpstreamTag, upstream);

    /// <summary>Whether waits are measured: asks before a timestamp is taken.</summary>
    public bool MeasuresLeases => metrics.Wait.Enabled || metrics.Leases.Enabled;

    /// <summary>Whether somebody wants to know for how long sessions are held.</summary>
    public bool MeasuresUse => metrics.Use.Enabled;

    /// <param name="result"><c>warm</c> without waiting, <c>waited</c>, or <c>miss</c> when nothing is kept for such a client.</param>
    /// <param name="wait">How long it took.</param>
    public void Leased(string result, TimeSpan wait)
    {
        metrics.Wait.Record(wait.TotalSeconds, _upstream);
        metrics.Leases.Add(1, _upstream, new("result", result));
    }

    public void Refused() => metrics.Leases.Add(1, _upstream, new("result", "refused"));

    /// <summary>Notes that a lease has ended that was taken at this timestamp.</summary>
    public void Used(long since)
    {
        if (metrics.Use.Enabled) metrics.Use.Record(time.GetElapsedTime(since).TotalSeconds, _upstream);
    }

    public void Opened(TimeSpan took) => metrics.Create.Record(took.TotalSeconds, _upstream);

    public void OpenFailed(FailureKind kind) => metrics.InitFailures.Add(1, _upstream, new("error.type", Spell(kind)));

    public void Closed(UpstreamSession session)
    {
        metrics.Evictions.Add(1, _upstream, new("reason", session.CloseCode));
        if (metrics.Session.Enabled) metrics.Session.Record(time.GetElapsedTime(session.OpenedAt).TotalSeconds, _upstream, new("mcp.protocol.version", session.Server.Version));
    }

    /// <summary>A kind of failure as an attribute's value.</summary>
    public static string Spell(FailureKind kind) => kind switch
    {
        FailureKind.SessionLost => "session_lost",
        FailureKind.OneSession => "one_session",
        FailureKind.OutcomeUnknown => "outcome_unknown",
        FailureKind.TimedOut => "timed_out",
        FailureKind.NotMcp => "not_mcp",
        _ => kind.ToString().ToLowerInvariant(),
    };
}
