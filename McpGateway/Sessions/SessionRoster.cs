using System.Collections.Concurrent;

namespace McpGateway.Sessions;

/// <summary>
/// Every session of a pool from <see cref="Add"/> to its one close. Invariant: a session is counted in <see cref="Total"/> until
/// it is closed, whoever holds it meanwhile; <see cref="UpstreamSession.TryClose"/> has one winner, who takes it out.
/// </summary>
internal sealed class SessionRoster(PoolHost host)
{
    private readonly ConcurrentDictionary<long, UpstreamSession> _all = new();
    private readonly ConcurrentDictionary<Task, byte> _closings = new();
    private int _total;
    private int _generation;

    /// <summary>Sessions at one moment; walking them takes no lock.</summary>
    public IEnumerable<UpstreamSession> All => _all.Select(static pair => pair.Value);

    public int Total => Volatile.Read(ref _total);

    /// <summary>Passes when all sessions are to be replaced; one of an earlier generation is closed instead of reused.</summary>
    public int Generation => Volatile.Read(ref _generation);

    public int Leased => All.Count(static session => session.Leases > 0);

    /// <summary>Those of them on which every call waits for its client's input.</summary>
    public int Parked => All.Count(static session => session.State == SessionState.Parked);

    /// <summary>Sessions that live and are kept for one key each, in use or not.</summary>
    public int Pinned => All.Count(IsPinned);

    /// <summary>Those of them that nobody is calling on.</summary>
    public int PinnedUnused => All.Count(static session => IsPinned(session) && session.Leases == 0);

    /// <summary>Sessions that go on to the next caller of a profile, in use or not.</summary>
    public int CountOf(SessionProfile profile) => All.Count(session => session.PinnedTo is null && session.Profile == profile && session.State != SessionState.Broken);

    public void Add(UpstreamSession session)
    {
        Interlocked.Increment(ref _total);
        session.Generation = Generation;
        _all[session.Number] = session;
    }

    public void NextGeneration() => Interlocked.Increment(ref _generation);

    /// <summary>Ends a session: now, or when its last holder returns it.</summary>
    public void Retire(UpstreamSession session, CloseReason reason)
    {
        session.Break(reason);
        TryClose(session);
    }

    /// <summary>Closes a broken session that nobody holds any more; the last holder's return does it otherwise.</summary>
    public void TryClose(UpstreamSession session)
    {
        if (!session.TryClose()) return;
        Interlocked.Decrement(ref _total);
        _all.TryRemove(session.Number, out _);
        host.Timeline.Add("session closed", session.BreakReason);
        host.Meter.Closed(session);
        host.Logger.SessionClosed(session.Number, host.Upstream, session.BreakReason ?? "");
        var closing = session.CloseAsync();
        _closings[closing] = 0;
        _ = closing.ContinueWith(done => _closings.TryRemove(done, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        host.Request();
    }

    /// <summary>One that has broken belongs to nobody any more, though calls may still be under way on it.</summary>
    private static bool IsPinned(UpstreamSession session) => session.PinnedTo is not null && session.State is not (SessionState.Broken or SessionState.Closed);

    /// <summary>Waits for the closes under way.</summary>
    public Task WaitClosedAsync() => Task.WhenAll(_closings.Keys);
}
