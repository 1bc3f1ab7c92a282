using FaultyUpstream.Protocol;

namespace FaultyUpstream.Faults;

/// <summary>
/// One way to misbehave and when. Of several faults the one set first that matches is done. Without <see cref="Methods"/> it matches requests only:
/// those of the sixteen session faults inside a session, <see cref="FaultKind.AlreadyInitialized"/> and <see cref="FaultKind.OneSession"/>
/// <c>initialize</c>, <see cref="FaultKind.LenientUnknown"/> unknown methods, the others every request.
/// </summary>
public sealed record Fault
{
    /// <summary>What is done.</summary>
    public required FaultKind Kind { get; init; }

    /// <summary>Only for the next so many matching requests, at least 1; null is for ever.</summary>
    public int? Times { get; init; }

    /// <summary>Only for what comes on the first so many connections that bring a match, at least 1 (HTTP only).</summary>
    public int? Connections { get; init; }

    /// <summary>Only for this session.</summary>
    public string? Session { get; init; }

    /// <summary>Only for these methods; notifications, <c>GET</c> and <c>DELETE</c> can be named too.</summary>
    public IReadOnlyList<string>? Methods { get; init; }

    /// <summary>Only for calls of this tool.</summary>
    public string? Tool { get; init; }

    /// <summary>Which of the forms in <see cref="FaultTable"/>, from 1.</summary>
    public int Variant { get; init; } = 1;

    /// <summary>So many of every <see cref="Of"/> matching requests, evenly spread; the others behave.</summary>
    public int? Hits { get; init; }

    /// <summary>See <see cref="Hits"/>.</summary>
    public int? Of { get; init; }

    /// <summary>Waits so long before it is done, 0 to 3 600 000 ms.</summary>
    public int DelayMs { get; init; }

    /// <summary>Whether the request is executed before the fault; null is as usual for the kind.</summary>
    public bool? Executes { get; init; }

    /// <summary>Seconds in <c>Retry-After</c>, 0 to 86 400; null leaves the header out. <see cref="FaultKind.RateLimited"/> sends 1 by default.</summary>
    public int? RetryAfterS { get; init; }

    /// <summary>With <see cref="FaultKind.Cut"/>: sends an event id first, so that the answer can be fetched by GET.</summary>
    public bool EventId { get; init; }

    /// <summary>With <see cref="FaultKind.CloseStream"/>: the value of <c>retry</c>, in milliseconds.</summary>
    public int RetryMs { get; init; } = 10;

    /// <summary>With <see cref="FaultKind.OneSession"/>: how many sessions may be open.</summary>
    public int MaxSessions { get; init; } = 1;

    /// <summary>With <see cref="FaultKind.Redirect"/>: where to.</summary>
    public string Location { get; init; } = "/elsewhere";

    internal bool DoesExecute => Executes ?? Kind is FaultKind.Cut or FaultKind.CloseStream or FaultKind.Crash;

    internal (int Hits, int Of) Share => Kind == FaultKind.ReplicaRoulette ? (Hits ?? 13, Of ?? 20) : (Hits ?? 1, Of ?? 1);

    internal int? RetryAfter => RetryAfterS ?? (Kind == FaultKind.RateLimited ? 1 : null);

    private bool IsSessionLoss => Kind <= FaultKind.NotConnected;

    /// <summary>Whether a request is one that this fault is for, its counters aside.</summary>
    internal bool IsFor(Arrival arrival)
    {
        if (Session is not null && Session != arrival.SessionId) return false;
        if (Tool is not null && Tool != arrival.Message?.ToolName) return false;
        if (Methods is not null) return Methods.Contains(arrival.Label);
        if (arrival.Message?.IsRequest != true) return false;
        return Kind switch
        {
            FaultKind.AlreadyInitialized or FaultKind.OneSession => arrival.Label == Protocol.Methods.Initialize,
            FaultKind.LenientUnknown => !arrival.IsKnownMethod,
            _ when IsSessionLoss => arrival.SessionId is not null && arrival.Label is not (Protocol.Methods.Initialize or Protocol.Methods.Discover),
            _ => true,
        };
    }

    /// <summary>What is wrong with it on a server with these transports, one sentence each: field, value and remedy.</summary>
    internal IEnumerable<string> Problems(IReadOnlyList<UpstreamTransport> transports)
    {
        if (!Enum.IsDefined(Kind)) yield return $"kind {Kind} is not known";
        if (Times < 1) yield return $"times is {Times}: give 1 or more, or leave it out for ever";
        if (Connections < 1) yield return $"connections is {Connections}: give 1 or more";
        if (Connections is not null && transports is [UpstreamTransport.Stdio]) yield return "connections has no meaning on stdio, where the process is the connection: use times";
        if (DelayMs is < 0 or > 3_600_000) yield return $"delay_ms is {DelayMs}: give 0 to 3600000";
        if (RetryAfterS is < 0 or > 86_400) yield return $"retry_after_s is {RetryAfterS}: give 0 to 86400";
        if (RetryMs is < 0 or > 3_600_000) yield return $"retry_ms is {RetryMs}: give 0 to 3600000";
        if (MaxSessions < 0) yield return $"max_sessions is {MaxSessions}: give 0 or more";
        if (Hits is null != Of is null) yield return "hits and of belong together: give both";
        if (Hits < 1 || Of < Hits) yield return $"hits is {Hits} of {Of}: give 1 to of";
        if (DelayMs > 0 && Kind == FaultKind.OneSession) yield return "delay_ms has no meaning for one_session, which is decided as the session opens: set slow beside it";
        if (Executes == true && Kind is FaultKind.Slow) yield return "executes has no meaning for slow, which behaves after its delay";
        var acts = transports.Select(transport => FaultTable.Find(this, transport)).ToList();
        if (acts.TrueForAll(act => act is null)) yield return $"variant is {Variant}: {Kind} has fewer";
        else if (acts.TrueForAll(act => act is null or FaultAct.Absent)) yield return $"kind {Kind} does not exist here: {acts.OfType<FaultAct.Absent>().First().Reason}";
    }
}
