using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;

namespace McpGateway.Sessions;

/// <summary>
/// The idle sessions of one profile and those who wait for one: one unbounded channel is both, first come first served;
/// <c>null</c> in it means "look again". Invariants: only an idle, unpinned session of this profile is in the channel, and in it
/// once; a session counts as idle from before it is written until after it is read, and one who waits from before he looks
/// until he has his session or gives up, so that one of the two always sees the other. No "look again" is lost, though anybody
/// may read one that was meant for another: <see cref="Changes"/> passes before they are written, as many as wait; whoever is in
/// the queue by then is handed one, and whoever gets into it later finds that it has passed since he looked, and writes them again.
/// </summary>
internal sealed class Shelf(SessionProfile profile)
{
    private readonly Channel<UpstreamSession?> _sessions = Channel.CreateUnbounded<UpstreamSession?>();
    private int _idle;
    private int _leastIdle;
    private int _waiting;
    private int _callers;
    private int _changes;
    private int _opening;
    private long _lastUsed;
    private volatile bool _warm;

    public SessionProfile Profile { get; } = profile;

    /// <summary>Sessions on it, one that was handed to somebody who has not yet woken up included.</summary>
    public int Idle => Volatile.Read(ref _idle);

    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Those of them who are no readers of the gateway's own.</summary>
    public int Callers => Volatile.Read(ref _callers);

    /// <summary>Changes when there is something to look at. Read before looking.</summary>
    public int Changes => Volatile.Read(ref _changes);

    /// <summary>Handshakes under way for it. Changed under the lock of <see cref="Places"/>.</summary>
    public int Opening { get => Volatile.Read(ref _opening); set => Volatile.Write(ref _opening, value); }

    /// <summary>Those who wait and for whom there is neither a session nor a handshake under way.</summary>
    public int Unserved => Waiting - Idle - Opening;

    /// <summary>Grows with each handshake that is begun for it, over all shelves; under the same lock.</summary>
    public long Turn { get; set; }

    /// <summary>Timestamp of the last lease or waiter.</summary>
    public long LastUsedAt { get => Volatile.Read(ref _lastUsed); set => Volatile.Write(ref _lastUsed, value); }

    /// <summary>Timestamp from which on the least of them is counted. The keeper's alone.</summary>
    public long CountedSince { get; set; }

    /// <summary>Whether sessions are kept on it that nobody has asked for. Changed by <see cref="Shelves"/> only.</summary>
    public bool IsWarm { get => _warm; set => _warm = value; }

    public void Put(UpstreamSession session)
    {
        Debug.Assert(session.PinnedTo is null && session.Profile == Profile, "Only an unpinned session of its profile is on a shelf.");
        Interlocked.Increment(ref _idle);
        _sessions.Writer.TryWrite(session);
    }

    /// <summary>Takes the session that has been on it for longest, without waiting.</summary>
    public bool TryTake([NotNullWhen(true)] out UpstreamSession? session)
    {
        if (!TryTakeToKeep(out session)) return false;
        CountIdle();
        return true;
    }

    /// <summary>The same, for one who looks after it and puts it back: no sign that it was needed.</summary>
    public bool TryTakeToKeep([NotNullWhen(true)] out UpstreamSession? session)
    {
        while (_sessions.Reader.TryRead(out session))
        {
            if (session is null) continue;
            Interlocked.Decrement(ref _idle);
            return true;
        }

        return false;
    }

    /// <summary>The session that the next caller gets, unless another is faster; it stays where it is.</summary>
    public UpstreamSession? PeekNext() => _sessions.Reader.TryPeek(out var session) ? session : null;

    /// <summary>The fewest that were left on it since this was last asked: so many more than were needed.</summary>
    public int EndCount() => Math.Min(Interlocked.Exchange(ref _leastIdle, Idle), Idle);

    /// <summary>Waits for a session, behind those who came before; null to look again. Only between <see cref="Enter"/> and <see cref="Leave"/>.</summary>
    /// <param name="looked">What <see cref="Changes"/> was before he looked.</param>
    /// <param name="cancellationToken">Cancelled when he gives up.</param>
    public async ValueTask<UpstreamSession?> ReadAsync(int looked, CancellationToken cancellationToken)
    {
        var reading = _sessions.Reader.ReadAsync(cancellationToken);
        if (!reading.IsCompleted && Changes != looked) WakeWaiting();
        var session = await reading;
        if (session is null) return null;
        Interlocked.Decrement(ref _idle);
        CountIdle();
        return session;
    }

    public void Enter(SessionKey key)
    {
        if (!key.IsOfGateway) Interlocked.Increment(ref _callers);
        Interlocked.Increment(ref _waiting);
    }

    public void Leave(SessionKey key)
    {
        Interlocked.Decrement(ref _waiting);
        if (!key.IsOfGateway) Interlocked.Decrement(ref _callers);
    }

    /// <summary>Lets all who wait look again.</summary>
    public void Wake()
    {
        Interlocked.Increment(ref _changes);
        WakeWaiting();
    }

    /// <summary>Two at once may leave the higher count: then a session is closed that would have been used, and its successor opened in the background.</summary>
    private void CountIdle()
    {
        var idle = Idle;
        if (idle < Volatile.Read(ref _leastIdle)) Volatile.Write(ref _leastIdle, idle);
    }

    private void WakeWaiting()
    {
        for (var i = Waiting; i > 0; i--) _sessions.Writer.TryWrite(null);
    }
}
