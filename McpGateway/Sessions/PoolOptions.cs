namespace McpGateway.Sessions;

/// <summary>Who may use a session together with whom.</summary>
internal enum PoolMode
{
    /// <summary>A downstream session or affinity key keeps one upstream session for life; a call with neither gets one for that call.</summary>
    Auto,

    /// <summary>As <see cref="Auto"/>, but a call without session or affinity is refused.</summary>
    Pinned,

    /// <summary>One call, then the session is closed. Slowest and safest; the next one is already open.</summary>
    SingleUse,

    /// <summary>One call at a time, then reused by the next.</summary>
    Exclusive,

    /// <summary>All callers at once on one session: only for upstreams that keep no state between calls.</summary>
    Shared,
}

/// <summary>How many sessions of an upstream are kept, for how long, and how they are handed out. One set per upstream, under <c>pool</c>.</summary>
internal sealed record PoolOptions
{
    /// <summary>Default <see cref="PoolMode.Auto"/>.</summary>
    public PoolMode Mode { get; init; } = PoolMode.Auto;

    /// <summary>Sessions kept open and unused, so that a new caller finds one: 0 to <see cref="Max"/>, default 1.</summary>
    public int MinIdle { get; init; } = 1;

    /// <summary>Sessions at most, in use or not: 1 to 1024, default 64, for stdio 8. Per gateway; 1 is one for all gateways on one Redis.</summary>
    public int Max { get; init; } = 64;

    /// <summary>Calls after which a session that goes from caller to caller is replaced: 0 (never) to 1 000 000, default 0. One that somebody keeps for himself is not counted.</summary>
    public int MaxUses { get; init; }

    /// <summary>Callers that may wait for a session before the next is refused: 0 to 65536, default 256.</summary>
    public int MaxWaiting { get; init; } = 256;

    /// <summary>How long a caller waits for a session: 0.1 s to 5 min, default 10 s.</summary>
    public TimeSpan AcquireTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a session that a client or an affinity keeps is theirs at least, from its first call on, before it may be closed for those
    /// who wait: 0 to 1 min, default 2 s. Shorter than <see cref="AcquireTimeout"/>, or nobody would ever have waited long enough.
    /// </summary>
    public TimeSpan PinHold { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Age at which an unused session is replaced, less up to 2.5 % so that they do not all go at once: 1 min to 24 h, default 30 min.</summary>
    public TimeSpan MaxLifetime { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>How long a session above <see cref="MinIdle"/> stays open unused: 1 s to 24 h, default 5 min.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Pause after which an unused session is pinged, less up to 10 %: 1 s to 1 h, default 60 s; shorter than the upstream's own idle limit.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>A session unused for longer than this is checked before it is handed out: 0 to 1 h, default 5 s.</summary>
    public TimeSpan BypassWindow { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a handshake may take: 0.1 s to 5 min, default 30 s (a package runner may first have to install).</summary>
    public TimeSpan OpenTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a call may take: 1 s to 24 h, default 5 min.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a call waits for its client's input: 1 s to 1 h, default 5 min. Its session waits with it.</summary>
    public TimeSpan InputTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Calls that wait for their client's input at once; then the one that has waited longest is given up: 1 to <see cref="Max"/>, default half of <see cref="Max"/>, at least 1.</summary>
    public int? MaxParked { get; init; }

    /// <summary>Handshakes begun a minute, for upstreams with a rate limit: 1 to 6000; 0, the default, for any number. A session that is resumed counts too.</summary>
    public int HandshakesPerMinute { get; init; }

    /// <summary><see cref="MaxParked"/>, or what it is by default.</summary>
    internal int ParkedAtMost => MaxParked ?? Math.Max(1, Max / 2);

    /// <summary>Everything that is out of bounds or contradicts itself, each as a sentence that starts with the key.</summary>
    public IEnumerable<string> Check()
    {
        if (Max is < 1 or > 1024) yield return $"pool.max is {Max}; it must be 1 to 1024.";
        if (MinIdle < 0) yield return $"pool.minIdle is {MinIdle}; it must be 0 or more.";
        if (MinIdle > Max) yield return $"pool.minIdle is {MinIdle}, more than pool.max ({Max}); lower it or raise pool.max.";
        if (MaxUses is < 0 or > 1_000_000) yield return $"pool.maxUses is {MaxUses}; it must be 0 to 1000000.";
        if (MaxWaiting is < 0 or > 65536) yield return $"pool.maxWaiting is {MaxWaiting}; it must be 0 to 65536.";
        if (HandshakesPerMinute is < 0 or > 6000) yield return $"pool.handshakesPerMinute is {HandshakesPerMinute}; it must be 1 to 6000, or 0 for no limit.";
        if (MaxParked is < 1 or > 1024) yield return $"pool.maxParked is {MaxParked}; it must be 1 to 1024.";
        if (MaxParked > Max) yield return $"pool.maxParked is {MaxParked}, more than pool.max ({Max}); lower it or raise pool.max.";
        foreach (var (key, value, least, most) in Durations())
        {
            if (value < least || value > most) yield return $"pool.{key} is {value.TotalSeconds:0.###} s; it must be {least.TotalSeconds:0.###} s to {most.TotalSeconds:0} s.";
        }

        if (PinHold >= AcquireTimeout) yield return $"pool.pinHold ({PinHold.TotalSeconds:0.###} s) is not shorter than pool.acquireTimeout ({AcquireTimeout.TotalSeconds:0.###} s), so that nobody who waits would get the place of a kept session; shorten it, or raise pool.acquireTimeout.";
        if (BypassWindow > KeepAlive) yield return $"pool.bypassWindow ({BypassWindow.TotalSeconds} s) is longer than pool.keepAlive ({KeepAlive.TotalSeconds} s), so that sessions would be checked only by the keep-alive; shorten it.";
        if (KeepAlive > MaxLifetime) yield return $"pool.keepAlive ({KeepAlive.TotalSeconds} s) is longer than pool.maxLifetime ({MaxLifetime.TotalSeconds} s); shorten it.";
    }

    private IEnumerable<(string Key, TimeSpan Value, TimeSpan Least, TimeSpan Most)> Durations() =>
    [
        ("acquireTimeout", AcquireTimeout, TimeSpan.FromSeconds(0.1), TimeSpan.FromMinutes(5)),
        ("pinHold", PinHold, TimeSpan.Zero, TimeSpan.FromMinutes(1)),
        ("maxLifetime", MaxLifetime, TimeSpan.FromMinutes(1), TimeSpan.FromHours(24)),
        ("idleTimeout", IdleTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromHours(24)),
        ("keepAlive", KeepAlive, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)),
        ("bypassWindow", BypassWindow, TimeSpan.Zero, TimeSpan.FromHours(1)),
        ("openTimeout", OpenTimeout, TimeSpan.FromSeconds(0.1), TimeSpan.FromMinutes(5)),
        ("callTimeout", CallTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromHours(24)),
        ("inputTimeout", InputTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)),
    ];
}
