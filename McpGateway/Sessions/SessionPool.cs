namespace McpGateway.Sessions;

/// <summary>
/// The pool for upstreams that keep sessions: a shelf of idle ones per profile, and pins for those that belong to somebody.
/// Invariants: callers never open, they only ask the opener; sessions and handshakes under way are never more than the limit,
/// since a handshake reserves its place first; a shelf that somebody waits on and that has no session gets the next place that
/// comes free, so that no profile starves another; whatever may make room for those who wait (a session that nobody waits for,
/// a pinned one that is not in use, a waiter who leaves) is followed by <see cref="MakeRoom"/>, and one who waits is counted before he looks.
/// </summary>
internal sealed class SessionPool : UpstreamSessions
{
    private static readonly TimeSpan s_limitHolds = TimeSpan.FromMinutes(5);

    private readonly PoolHost _host;
    private readonly PoolOptions _options;
    private readonly TimeProvider _time;
    private readonly SessionRoster _roster;
    private readonly Shelves _shelves;
    private readonly SessionVerifier _verifier;
    private readonly Pins _pins;
    private readonly PoolKeeper _keeper;
    private readonly Refill _refill;
    private readonly Adoptions _adoptions = new();
    private readonly Lock _reserving = new();
    private readonly CancellationTokenSource _closing = new();
    private long _turns;
    private int _waiting;
    private int _looks;

    private FoundLimit? _found;

    public SessionPool(PoolHost host)
        : base(host.Meter)
    {
        (_host, _options, _time) = (host, host.Options, host.Time);
        _roster = new SessionRoster(host);
        _shelves = new Shelves(host);
        _verifier = new SessionVerifier(host, _roster);
        _pins = new Pins(host, _roster, _verifier, TakeForPinAsync, MakeRoom);
        _refill = new Refill(host.Request, host.Time);
        _keeper = new PoolKeeper(host, _roster, _shelves, _verifier, _pins, PutBack);
    }

    public override PoolCounts Counts => new(
        _shelves.Idle, _roster.All.Count(session => session.Leases > 0), _pins.Count, 0, Volatile.Read(ref _waiting), _roster.Total)
    {
        PinnedUnused = _roster.All.Count(static session => session.PinnedTo is not null && session.Leases == 0),
    };

    public override IEnumerable<UpstreamSession> All => _roster.All;

    public override int Need
    {
        get
        {
            if (_closing.IsCancellationRequested || _host.Drain.IsOn) return 0;
            var wanted = 0;
            // What is being opened counts even where it is not wanted any more: the opener takes it off again.
            if (_options.Mode == PoolMode.Shared) wanted = Math.Max(LackOfShared, _shelves.Default.Opening);
            else foreach (var shelf in _shelves.All) wanted += Math.Max(_shelves.LackOf(shelf), shelf.Opening);
            wanted += _adoptions.Waiting + _adoptions.Opening;
            return Math.Max(0, Math.Min(wanted, Limit - _roster.Total));
        }
    }

    private int LackOfShared => Math.Max(1, _host.Hint.Target) - _roster.All.Count(session => session.State != SessionState.Broken);

    /// <summary>Sessions at most: as configured, or fewer for a while once the upstream has refused one more.</summary>
    private int Limit => Volatile.Read(ref _found) is { } found && _time.GetElapsedTime(found.Since) < s_limitHolds ? found.Most : _options.Max;

    private bool HasRoom => _roster.Total + _shelves.Opening + _adoptions.Opening < Limit;

    public override ValueTask<SessionLease> LeaseAsync(SessionKey key, CancellationToken cancellationToken) => _options.Mode switch
    {
        PoolMode.Shared => LeasePinnedAsync(Pins.Everybody, key, cancellationToken),
        PoolMode.Auto or PoolMode.Pinned when key.Affinity is not null => LeasePinnedAsync(key, key, cancellationToken),
        PoolMode.Pinned when !key.IsOfGateway => ValueTask.FromException<SessionLease>(new UpstreamException(FailureKind.Refused,
            $"Upstream '{_host.Upstream}' is pinned: call it within a session, or send the header {Protocol.McpHeader.Affinity}.")),
        _ => LeaseAloneAsync(key, cancellationToken),
    };

    public override ValueTask ReleaseAsync(SessionKey key) => _pins.ReleaseAsync(key);

    public override bool KeepsWarm(SessionProfile profile) => _shelves.Find(profile) is { IsWarm: true };

    public override void Expect(SessionProfile profile)
    {
        Enter(profile);
        _host.Request();
    }

    public override SessionProfile? TryBeginOpening()
    {
        lock (_reserving)
        {
            if (_closing.IsCancellationRequested || _host.Drain.IsOn || !HasRoom) return null;
            var shelf = _options.Mode == PoolMode.Shared ? (LackOfShared > _shelves.Default.Opening ? _shelves.Default : null) : MostWanted();
            if (shelf is null) return null;
            shelf.Opening++;
            shelf.Turn = ++_turns;
            return shelf.Profile;
        }
    }

    public override void EndOpening(SessionProfile profile)
    {
        lock (_reserving) _shelves.Of(profile).Opening--;
        MakeRoom();
    }

    public override SessionKey? TryBeginAdopting()
    {
        lock (_reserving) return _closing.IsCancellationRequested || _host.Drain.IsOn || !HasRoom ? null : _adoptions.TryBegin();
    }

    public override void EndAdopting(SessionKey key, UpstreamSession? session, UpstreamException? failure)
    {
        if (session is not null)
        {
            session.PinnedTo = key;
            _roster.Add(session);
            if (_closing.IsCancellationRequested) _roster.Retire(session, CloseReason.Shutdown);
        }

        lock (_reserving) _adoptions.End(key, session, failure);
        if (_host.Drain.IsOn) CloseUnused(CloseReason.Drained);
        MakeRoom();
    }

    public override void Add(UpstreamSession session)
    {
        _roster.Add(session);
        if (_closing.IsCancellationRequested) _roster.Retire(session, CloseReason.Shutdown);
        else PutBack(session);
        // Drained since the handshake began: it came too late to be closed with the others.
        if (_host.Drain.IsOn) CloseUnused(CloseReason.Drained);
    }

    public override void Clear(CloseReason reason)
    {
        _roster.NextGeneration();
        CloseUnused(reason);
        WakeWaiters();
        _host.Request();
    }

    public override void WakeWaiters() => _shelves.Wake();

    /// <summary>Takes the sessions there are for as many as the upstream allows, for some minutes: one that was just going may have been in the way.</summary>
    /// <returns>The limit; null when there are none, so that it must be somebody else's that is in the way.</returns>
    public int? TryLimit()
    {
        var total = _roster.Total;
        if (total == 0) return null;
        Volatile.Write(ref _found, new FoundLimit(Math.Min(total, _options.Max), _time.GetTimestamp()));
        return total;
    }

    /// <summary>Ends a session of this pool's: now, or when its last holder returns it.</summary>
    public void Retire(UpstreamSession session, CloseReason reason) => _roster.Retire(session, reason);

    public override ValueTask ReturnAsync(UpstreamSession session)
    {
        if (session.Link.BrokenReason is { } reason)
        {
            session.Break(reason);
            _verifier.DoubtAll();
        }
        else if (_options.Mode == PoolMode.SingleUse) session.Break(CloseReason.UsedOnce);
        else if (_host.Drain.IsOn) session.Break(CloseReason.Drained);
        else if (session.Generation != _roster.Generation) session.Break(CloseReason.Cleared);
        else if (_options.MaxUses > 0 && session.PinnedTo is null && ++session.Uses >= _options.MaxUses) session.Break(CloseReason.MaxUses);
        switch (session.Release(_time.GetTimestamp()))
        {
            case SessionState.Broken: _roster.TryClose(session); break;
            case SessionState.Idle when session.PinnedTo is null && IsPlaceOwed(session): _roster.Retire(session, CloseReason.Evicted); break;
            case SessionState.Idle when session.PinnedTo is null: PutBack(session); break;
            // At the limit those who wait may take its place now.
            case SessionState.Idle: MakeRoom(); break;
        }

        return ValueTask.CompletedTask;
    }

    public override Task SweepAsync(CancellationToken cancellationToken) => _keeper.SweepAsync(cancellationToken);

    public override async Task ParkAsync(DateTimeOffset until)
    {
        await _closing.CancelAsync();
        var live = _roster.All.Where(session => session.Record is not null && session.Link.BrokenReason is null).ToArray();
        var free = live.Where(session => session.PinnedTo is null || session.PinnedTo == Pins.Everybody);
        // One place is left to whoever comes first: an upstream that is full of sessions that wait would open to nobody.
        var owned = live.Where(session => session.PinnedTo is { } key && key != Pins.Everybody).OrderByDescending(session => session.LastUsedAt).Take(Limit - 1);
        await Task.WhenAll(free.Concat(owned).Select(session => ParkAsync(session, until)));
    }

    private async Task ParkAsync(UpstreamSession session, DateTimeOffset until)
    {
        if (!session.TryReserve()) return;
        if (await (_options.Mode == PoolMode.Shared ? session.Record!.ParkAsync(null, until) : session.Record!.ParkAsync(session.PinnedTo?.Principal ?? session.Principal, until, session.PinnedTo)))
        {
            session.Link.Leave();
            _roster.Retire(session, CloseReason.Parked);
        }
        else
        {
            session.TryUnreserve();
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        _refill.Dispose();
        _pins.Clear();
        foreach (var session in _roster.All) _roster.Retire(session, CloseReason.Shutdown);
        await _roster.WaitClosedAsync();
    }

    /// <summary>The shelf of a profile, which is in use from now on.</summary>
    private Shelf Enter(SessionProfile profile)
    {
        var shelf = _shelves.Of(profile);
        if (_shelves.Use(shelf) is { } cooled) CloseUnused(cooled, CloseReason.ProfileUnused);
        return shelf;
    }

    private ValueTask<SessionLease> LeaseAloneAsync(SessionKey key, CancellationToken cancellationToken)
    {
        var shelf = Enter(key.Profile);
        while (shelf.TryTake(out var session))
        {
            var now = _time.GetTimestamp();
            if (_verifier.NeedsWork(session, now)) return ReadyThenLeaseAsync(session, shelf, key, cancellationToken);
            if (TryTake(session, key, now)) return ValueTask.FromResult(LeaseAndRefill(session, shelf, key, now));
        }

        return WaitAsync(shelf, key, cancellationToken);
    }

    private async ValueTask<SessionLease> ReadyThenLeaseAsync(UpstreamSession session, Shelf shelf, SessionKey key, CancellationToken cancellationToken)
    {
        if (await _verifier.ReadyAsync(session) && _time.GetTimestamp() is var now && TryTake(session, key, now)) return LeaseAndRefill(session, shelf, key, now);
        return await LeaseAloneAsync(key, cancellationToken);
    }

    private async ValueTask<SessionLease> WaitAsync(Shelf shelf, SessionKey key, CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref _waiting) > _options.MaxWaiting)
        {
            Interlocked.Decrement(ref _waiting);
            throw Starved("as many callers as may wait are waiting already", "Raise pool.max or pool.maxWaiting.");
        }

        shelf.Enter(key);
        using var deadline = new CancellationTokenSource(_options.AcquireTimeout, _time);
        using var any = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token, _closing.Token);
        try
        {
            while (true)
            {
                var looked = shelf.Changes;
                _host.Drain.ThrowIfOn();
                // While a session is out that may come back, one that cannot be opened is no reason to give up.
                if (_roster.CountOf(key.Profile) == 0) _host.Breaker.ThrowIfOpen();
                MakeRoom();
                _host.Request();
                var session = await shelf.ReadAsync(looked, any.Token);
                if (session is not null && await _verifier.ReadyAsync(session) && _time.GetTimestamp() is var now && TryTake(session, key, now)) return Lease(session, key, now);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw _closing.IsCancellationRequested
                ? Closed()
                : Starved($"none became free within {_options.AcquireTimeout.TotalSeconds:0.#} s", "Raise pool.max, or pool.minIdle if opening is slow.");
        }
        finally
        {
            shelf.Leave(key);
            Interlocked.Decrement(ref _waiting);
            // What he would have taken is there for the others.
            MakeRoom();
            if (Need > 0) _host.Request();
        }
    }

    /// <summary>Takes a session that was just read from its shelf; closes it when it is of no use.</summary>
    private bool TryTake(UpstreamSession session, SessionKey key, long now)
    {
        // One's own session starts with nobody's state, not even that of other calls of the same principal.
        var reason = _verifier.Useless(session, key.Principal, now) ?? (Keeps(key) && session.Principal is not null ? CloseReason.ServedAnother : null);
        if (reason is not null)
        {
            _roster.Retire(session, reason);
            return false;
        }

        if (!session.TryLease())
        {
            _roster.TryClose(session);
            return false;
        }

        if (!key.IsOfGateway) session.Principal ??= key.Principal;
        return true;
    }

    private SessionLease LeaseAndRefill(UpstreamSession session, Shelf shelf, SessionKey key, long now)
    {
        if (_shelves.LackOf(shelf) > 0 && HasRoom)
        {
            if (Volatile.Read(ref _waiting) > 0) _host.Request();
            else _refill.AskSoon();
        }

        return Lease(session, key, now);
    }

    private SessionLease Lease(UpstreamSession session, SessionKey holder, long now) => new(this, session.RentSlot(holder.Affinity ?? holder.Principal, now));

    /// <summary>Whether a caller keeps his session for himself: in the modes of one call at a time his affinity changes nothing.</summary>
    private bool Keeps(SessionKey key) => key.Affinity is not null && _options.Mode is not (PoolMode.Exclusive or PoolMode.SingleUse);

    private ValueTask<SessionLease> LeasePinnedAsync(SessionKey key, SessionKey holder, CancellationToken cancellationToken)
    {
        if (_pins.TryJoin(key) is not { } session) return JoinThenLeaseAsync(key, holder, cancellationToken);
        Enter(key.Profile);
        return ValueTask.FromResult(Lease(session, holder, _time.GetTimestamp()));
    }

    private async ValueTask<SessionLease> JoinThenLeaseAsync(SessionKey key, SessionKey holder, CancellationToken cancellationToken) =>
        Lease(await _pins.JoinAsync(key, cancellationToken), holder, _time.GetTimestamp());

    private async Task<UpstreamSession> TakeForPinAsync(SessionKey key)
    {
        if (_host.IsParked(key) && await AdoptAsync(key) is { } own) return own;
        var lease = await LeaseAloneAsync(key, _closing.Token);
        // Pinned before it is given back, so that the return leaves it off its shelf.
        lease.Session.PinnedTo = key;
        await lease.DisposeAsync();
        return lease.Session;
    }

    /// <summary>Waits until the opener has resumed the session that was left to this key; null when there is none any more.</summary>
    private async Task<UpstreamSession?> AdoptAsync(SessionKey key)
    {
        _host.Drain.ThrowIfOn();
        _host.Breaker.ThrowIfOpen();
        var adopted = _adoptions.Want(key);
        Interlocked.Increment(ref _waiting);
        MakeRoom();
        _host.Request();
        using var deadline = new CancellationTokenSource(_options.AcquireTimeout, _time);
        using var any = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, _closing.Token);
        try
        {
            return await adopted.WaitAsync(any.Token);
        }
        catch (OperationCanceledException)
        {
            // Once begun it ends by itself, and what it brings is this caller's.
            if (!_adoptions.TryWithdraw(key)) return await adopted;
            throw _closing.IsCancellationRequested ? Closed() : Starved($"none became free within {_options.AcquireTimeout.TotalSeconds:0.#} s", "Raise pool.max.");
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
            MakeRoom();
        }
    }

    /// <summary>Puts an idle session where the next caller of its profile finds it.</summary>
    private void PutBack(UpstreamSession session)
    {
        var shelf = _shelves.Of(session.Profile);
        if (IsUnwanted(shelf))
        {
            _roster.Retire(session, CloseReason.ProfileUnused);
            return;
        }

        shelf.Put(session);
        // Gone cold in between: whoever made it so may have looked before the session was there.
        if (IsUnwanted(shelf)) CloseUnused(shelf, CloseReason.ProfileUnused);
        MakeRoom();
    }

    private static bool IsUnwanted(Shelf shelf) => !shelf.IsWarm && shelf.Waiting == 0;

    /// <summary>True when there is no room for another session, and callers of another profile wait who have none at all.</summary>
    private bool IsPlaceOwed(UpstreamSession session)
    {
        if (_adoptions.Waiting > 0) return !HasRoom;
        if (Volatile.Read(ref _waiting) == 0 || HasRoom) return false;
        foreach (var shelf in _shelves.All)
        {
            if (shelf.Profile != session.Profile && IsBare(shelf)) return true;
        }

        return false;
    }

    private bool IsBare(Shelf shelf) => shelf is { Waiting: > 0, Opening: 0 } && _roster.CountOf(shelf.Profile) == 0;

    /// <summary>
    /// The shelf to open a session for: of those that are waited on and have none, the one whose turn was longest ago; else the one
    /// that most wait on; else one that is not as full as it is kept.
    /// </summary>
    private Shelf? MostWanted()
    {
        Shelf? bare = null, waited = null, lacking = null;
        var most = 0;
        foreach (var shelf in _shelves.All)
        {
            if (IsBare(shelf) && (bare is null || shelf.Turn < bare.Turn)) bare = shelf;
            var waiting = shelf.Waiting - shelf.Idle - shelf.Opening;
            if (waiting > most) (waited, most) = (shelf, waiting);
            if (lacking is null && _shelves.LackOf(shelf) > shelf.Opening) lacking = shelf;
        }

        return bare ?? waited ?? lacking;
    }

    /// <summary>
    /// At the limit, lets an unused session of another profile make room for those who wait, or else the pinned one that has been
    /// unused for longest. One at a time does this, so that no two are closed where one is enough; who comes meanwhile leaves it to
    /// him to look once more.
    /// </summary>
    private void MakeRoom()
    {
        if (Volatile.Read(ref _waiting) == 0 || Interlocked.Increment(ref _looks) > 1) return;
        int looks;
        try
        {
            do
            {
                looks = Volatile.Read(ref _looks);
                foreach (var shelf in _shelves.All) MakeRoomFor(shelf);
                if (_adoptions.Waiting > 0 && !HasRoom && !TryEvictUnused(null)) _pins.TryEvictOldest();
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

    private void MakeRoomFor(Shelf shelf)
    {
        if (HasRoom || shelf.Waiting <= shelf.Idle + shelf.Opening || TryEvictUnused(shelf) || shelf.Callers == 0) return;
        _pins.TryEvictOldest();
    }

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

    /// <summary>Closes what nobody uses; what is in use is closed at its return, since its generation has passed.</summary>
    private void CloseUnused(CloseReason reason)
    {
        foreach (var shelf in _shelves.All) CloseUnused(shelf, reason);
        foreach (var session in _roster.All)
        {
            if (session.PinnedTo is not null && session.TryReserve()) _roster.Retire(session, reason);
        }
    }

    private void CloseUnused(Shelf shelf, CloseReason reason)
    {
        for (var i = shelf.Idle; i > 0 && shelf.TryTake(out var session); i--) _roster.Retire(session, reason);
    }

    private UpstreamException Closed() => new(FailureKind.Unreachable, $"Upstream '{_host.Upstream}' was closed or changed. Try again.", retryAfter: TimeSpan.FromSeconds(1));

    private UpstreamException Starved(string why, string remedy)
    {
        var counts = Counts;
        return new UpstreamException(FailureKind.Throttled,
            $"No session of upstream '{_host.Upstream}' is free: {why} ({counts.Total} of {Limit} open, {counts.Leased} in use, {counts.Pinned} pinned, {counts.Waiting} waiting"
            + $"{(_host.Breaker.LastFailure is { } last ? $"; last failure to open: {last.Message}" : "")}{(_host.Breaker.HeldBack is { } held ? $"; {held}" : "")}). {remedy}",
            _host.Breaker.LastFailure, TimeSpan.FromSeconds(1));
    }

    /// <summary>How many sessions an upstream allowed, and since when that is known.</summary>
    private sealed record FoundLimit(int Most, long Since);
}
