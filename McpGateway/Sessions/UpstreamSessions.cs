namespace McpGateway.Sessions;

/// <summary>
/// The sessions of one upstream, and the one thing callers see of them. <see cref="SessionPool"/> for upstreams that keep
/// sessions, <see cref="SharedClient"/> for those that do not; the caller does not know which.
/// </summary>
internal abstract class UpstreamSessions(PoolMeter meter) : IAsyncDisposable
{
    public PoolMeter Meter => meter;

    /// <summary>Takes a verified session. The caller waits for one if need be, and never opens one.</summary>
    /// <exception cref="UpstreamException">There is none to be had: the upstream is down, or too many wait.</exception>
    public abstract ValueTask<SessionLease> LeaseAsync(SessionKey key, CancellationToken cancellationToken);

    /// <summary>Closes the session that belongs to a key's affinity, whose owner has gone.</summary>
    public abstract ValueTask ReleaseAsync(SessionKey key);

    /// <summary>Takes a session back from a lease.</summary>
    public abstract ValueTask ReturnAsync(UpstreamSession session);

    /// <summary>Numbers for people and metrics; <c>Opening</c> is the opener's to fill in.</summary>
    public abstract PoolCounts Counts { get; }

    /// <summary>The sessions there are, at one moment, that may outlive each other.</summary>
    public virtual IEnumerable<UpstreamSession> All => [];

    /// <summary>How many more sessions are wanted now, those being opened included.</summary>
    public abstract int Need { get; }

    /// <summary>Whether unused sessions are kept for callers of this profile.</summary>
    public abstract bool KeepsWarm(SessionProfile profile);

    /// <summary>Says that callers of this profile are to be expected soon.</summary>
    public abstract void Expect(SessionProfile profile);

    /// <summary>Reserves the place of one more session, before its handshake.</summary>
    /// <returns>What it is to be opened as; null when none is wanted any more. Else <see cref="EndOpening"/> must follow.</returns>
    public abstract SessionProfile? TryBeginOpening();

    /// <summary>Gives the reserved place up, after the session was added or could not be opened.</summary>
    public abstract void EndOpening(SessionProfile profile);

    /// <summary>Reserves the place of a session that a gateway which stopped has left, before it is resumed.</summary>
    /// <returns>Whose it is; null when none is wanted. Else <see cref="EndAdopting"/> must follow.</returns>
    public virtual SessionKey? TryBeginAdopting() => null;

    /// <summary>Gives a resumed session to the one it belongs to, or says that there is none any more, or why it was not to be had.</summary>
    public virtual void EndAdopting(SessionKey key, UpstreamSession? session, UpstreamException? failure)
    {
    }

    /// <summary>Takes a new, verified session in.</summary>
    public abstract void Add(UpstreamSession session);

    /// <summary>Lets everybody who waits look again, after something they wait for has failed.</summary>
    public abstract void WakeWaiters();

    /// <summary>Replaces every session: the unused now, the others when they are returned.</summary>
    public abstract void Clear(CloseReason reason);

    /// <summary>One round of the keeper: closes what is too old or idle, pings what has been quiet.</summary>
    public abstract Task SweepAsync(CancellationToken cancellationToken);

    /// <summary>Leaves what can be resumed to the next gateway; the disposal ends the rest.</summary>
    public abstract Task ParkAsync(DateTimeOffset until);

    public abstract ValueTask DisposeAsync();
}

/// <summary>A pool at one moment; the numbers are read one after another and may be off by a session in motion.</summary>
internal readonly record struct PoolCounts(int Idle, int Leased, int Pinned, int Opening, int Waiting, int Total)
{
    /// <summary>Sessions kept for one client each that nobody is calling on; <c>Pinned</c> counts those in use too.</summary>
    public int PinnedUnused { get; init; }

    /// <summary>Leased sessions all of whose calls wait for their client's input; <c>Leased</c> counts them too.</summary>
    public int Parked { get; init; }

    /// <summary>Each open session once, so that the four add up to <c>Total</c>. One that the keeper is looking at is idle; a shared client's calls are on one.</summary>
    public (int Idle, int Leased, int Parked, int Pinned) ByState
    {
        get
        {
            var leased = Math.Min(Leased, Total);
            var pinned = Math.Min(PinnedUnused, Total - leased);
            var parked = Math.Min(Parked, leased);
            return (Total - leased - pinned, leased - parked, parked, pinned);
        }
    }
}
