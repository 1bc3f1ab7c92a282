namespace McpGateway.Sessions;

/// <summary>
/// Those who wait for a session, and those who give up a place for them. The order is the shelves' own, first come first served;
/// this is where it is seen to that there is something to wait for. Invariants: who waits is counted before he looks; whatever may
/// make room (a session that nobody waits for, a pinned one that is not in use, a waiter who leaves, a handshake that ends) is followed
/// by <see cref="MakeRoom"/>, and what becomes possible only by the time that passes is followed by it through the one timer, which
/// each look sets anew for what it saw; no more is closed than the opener can make use of now.
/// </summary>
internal sealed class WaitingLine : IDisposable
{
    private readonly PoolHost _host;
    private readonly SessionRoster _roster;
    private readonly Places _places;
    private readonly Shelves _shelves;
    private readonly Adoptions _adoptions;
    private readonly Pins _pins;
    private readonly ITimer _due;
    private int _waiting;
    private int _looks;

    public WaitingLine(PoolHost host, SessionRoster roster, Places places, Shelves shelves, Adoptions adoptions, Pins pins)
    {
        (_host, _roster, _places, _shelves, _adoptions, _pins) = (host, roster, places, shelves, adoptions, pins);
        // It must not run in the trace or the log scopes of whoever made the pool.
        using (ExecutionContext.SuppressFlow()) _due = host.Time.CreateTimer(_ => MakeRoom(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public int Count => Volatile.Read(ref _waiting);

    /// <summary>Counts one who is about to wait; false when as many wait as may. <see cref="Leave"/> must follow.</summary>
    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _waiting) <= _host.Options.MaxWaiting) return true;
        Interlocked.Decrement(ref _waiting);
        return false;
    }

    /// <summary>Counts one who is about to wait for what is his alone. <see cref="Leave"/> must follow.</summary>
    public void Enter() => Interlocked.Increment(ref _waiting);

    /// <summary>He has what he waited for, or has given up; what he would have taken is there for the others.</summary>
    public void Leave()
    {
        Interlocked.Decrement(ref _waiting);
        MakeRoom();
    }

    /// <summary>True when there is no room for another session, and callers of another profile wait who have none at all.</summary>
    public bool IsPlaceOwed(UpstreamSession session)
    {
        if (_adoptions.Waiting > 0) return _places.Free <= 0;
        if (Count == 0 || _places.Free > 0) return false;
        foreach (var shelf in _shelves.All)
        {
            if (shelf.Profile != session.Profile && _places.IsBare(shelf)) return true;
        }

        return false;
    }

    /// <summary>
    /// At the limit, lets an unused session of another profile make room for those who wait, or else the pinned one that has been
    /// unused for longest, once it may go. One at a time does this, so that no two are closed where one is enough; who comes
    /// meanwhile leaves it to him to look once more.
    /// </summary>
    public void MakeRoom()
    {
        if (Count == 0 || Interlocked.Increment(ref _looks) > 1) return;
        int looks;
        try
        {
            do
            {
                looks = Volatile.Read(ref _looks);
                Look();
            }
            while (Interlocked.Add(ref _looks, -looks) > 0);
        }
        catch
        {
            // Nobody would ever look again.
            Volatile.Write(ref _looks, 0);
            throw;
        }
    }

    public void Dispose() => _due.Dispose();

    private void Look()
    {
        if (_adoptions.Waiting > 0) MakeRoomFor(null, mayTakePins: true);
        foreach (var shelf in _shelves.All)
        {
            if (shelf.Unserved > 0) MakeRoomFor(shelf, mayTakePins: shelf.Callers > 0);
        }
    }

    private void MakeRoomFor(Shelf? shelf, bool mayTakePins)
    {
        while (LacksRoom(shelf))
        {
            if (TryEvictUnused(shelf)) continue;
            if (!mayTakePins) return;
            if (_pins.TryEvictOldest(out var wait)) continue;
            if (wait != Timeout.InfiniteTimeSpan) LookAfter(wait);
            return;
        }
    }

    /// <summary>
    /// Whether there are fewer places than the opener can make use of now for those of a shelf and of the ones looked at before; as each
    /// handshake ends, the next look follows. Where the upstream allows fewer than are being opened, one that is closed would not make
    /// a place: those end first. Nothing of it is remembered: what was closed may have been replaced already.
    /// </summary>
    private bool LacksRoom(Shelf? last)
    {
        if ((last?.Unserved ?? _adoptions.Waiting) <= 0) return false;
        var free = _places.Free;
        return free >= 0 && free < Math.Min(UnservedUpTo(last), SessionOpener.AtOnce - _places.Opening);
    }

    private int UnservedUpTo(Shelf? last)
    {
        var unserved = _adoptions.Waiting;
        if (last is null) return unserved;
        foreach (var shelf in _shelves.All)
        {
            unserved += Math.Max(0, shelf.Unserved);
            if (shelf == last) break;
        }

        return unserved;
    }

    /// <summary>In whole milliseconds, rounded up: a timer cuts off the rest, and whoever then looks would find that it is still too early.</summary>
    private void LookAfter(TimeSpan wait) => _due.Change(TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds)), Timeout.InfiniteTimeSpan);

    private bool TryEvictUnused(Shelf? wanting)
    {
        Shelf? oldest = null;
        foreach (var shelf in _shelves.All)
        {
            if (shelf != wanting && shelf is { Idle: > 0, Waiting: 0 } && (oldest is null || shelf.LastUsedAt < oldest.LastUsedAt)) oldest = shelf;
        }

        if (oldest is null || !oldest.TryTake(out var session)) return false;
        _roster.Retire(session, CloseReason.Evicted);
        return true;
    }
}
