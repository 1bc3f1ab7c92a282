namespace McpGateway.Sessions;

/// <summary>
/// The pool for upstreams that keep sessions: a shelf of idle ones per profile, and pins for those that belong to somebody.
/// Invariants: callers never open, they only ask the opener; how many there may be is kept by <see cref="Places"/>, and that those
/// who wait get one by <see cref="WaitingLine"/>, who is told of everything here that may make room.
/// </summary>
internal sealed class SessionPool : UpstreamSessions
{
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
    private readonly Places _places;
    private readonly WaitingLine _line;
    private readonly Starvation _starvation;
    private readonly CancellationTokenSource _closing = new();

    public SessionPool(PoolHost host)
        : base(host.Meter)
    {
        (_host, _options, _time) = (host, host.Options, host.Time);
        _roster = new SessionRoster(host);
        _shelves = new Shelves(host);
        _verifier = new SessionVerifier(host, _roster);
        _places = new Places(host, _roster, _shelves, _adoptions, _closing.Token);
        _pins = new Pins(host, _roster, _verifier, TakeForPinAsync, MakeRoom);
        _line = new WaitingLine(host, _roster, _places, _shelves, _adoptions, _pins);
        _starvation = new Starvation(host, _places, () => Counts);
        _refill = new Refill(host.Request, host.Time);
        _keeper = new PoolKeeper(host, _roster, _shelves, _verifier, _pins, PutBack);
    }

    public override PoolCounts Counts => new(_shelves.Idle, _roster.Leased, _roster.Pinned, 0, _line.Count, _roster.Total) { PinnedUnused = _roster.PinnedUnused, Parked = _roster.Parked };

    public override IEnumerable<UpstreamSession> All => _roster.All;

    public override int Need => _places.Need;

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
        if (Enter(profile).PeekNext() is { } next) _ = Task.Run(() => _verifier.PrepareAsync(next));
        _host.Request();
    }

    public override SessionProfile? TryBeginOpening() => _places.TryBeginOpening();

    public override void EndOpening(SessionProfile profile)
    {
        _places.EndOpening(profile);
        MakeRoom();
    }

    public override SessionKey? TryBeginAdopting() => _places.TryBeginAdopting();

    public override void EndAdopting(SessionKey key, UpstreamSession? session, UpstreamException? failure)
    {
        if (session is not null)
        {
            session.PinnedTo = key;
            _roster.Add(session);
            if (_closing.IsCancellationRequested) _roster.Retire(session, CloseReason.Shutdown);
        }

        _places.EndAdopting(key, session, failure);
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

    /// <inheritdoc cref="Places.TryLimit"/>
    public int? TryLimit() => _places.TryLimit();

    /// <summary>Ends a session of this pool's: now, or when its last holder returns it.</summary>
    public void Retire(UpstreamSession session, CloseReason reason) => _roster.Retire(session, reason);

    public override ValueTask ReturnAsync(UpstreamSession session)
    {
        if (session.Link.BrokenReason is { } reason)
        {
            session.Break(CloseReason.Broken(reason));
            _verifier.DoubtAll();
        }
        else if (_options.Mode == PoolMode.SingleUse) session.Break(CloseReason.UsedOnce);
        else if (_host.Drain.IsOn) session.Break(CloseReason.Drained);
        else if (session.Generation != _roster.Generation) session.Break(CloseReason.Cleared);
        else if (_options.MaxUses > 0 && session.PinnedTo is null && ++session.Uses >= _options.MaxUses) session.Break(CloseReason.MaxUses);
        switch (session.Release(_time.GetTimestamp()))
        {
            case SessionState.Broken: _roster.TryClose(session); break;
            case SessionState.Idle when session.PinnedTo is null && _line.IsPlaceOwed(session): _roster.Retire(session, CloseReason.Evicted); break;
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
        var owned = live.Where(session => session.PinnedTo is { } key && key != Pins.Everybody).OrderByDescending(session => session.LastUsedAt).Take(_places.Limit - 1);
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
        _line.Dispose();
        _places.Dispose();
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
        if (!_line.TryEnter()) throw _starvation.TooManyWait();
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
            throw _closing.IsCancellationRequested ? Closed() : _starvation.TooLong();
        }
        finally
        {
            shelf.Leave(key);
            _line.Leave();
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
        if (_shelves.LackOf(shelf) > 0 && _places.Free > 0)
        {
            if (_line.Count > 0) _host.Request();
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

    /// <summary>Takes a session for one key.</summary>
    /// <param name="key">Whose it becomes.</param>
    /// <param name="abandoned">Cancelled when nobody waits for it any more. What was left to this key is resumed nevertheless: its state would be lost with it.</param>
    private async Task<UpstreamSession> TakeForPinAsync(SessionKey key, CancellationToken abandoned)
    {
        if (_host.IsParked(key) && await AdoptAsync(key) is { } own) return own;
        var lease = await LeaseAloneAsync(key, abandoned);
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
        _line.Enter();
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
            throw _closing.IsCancellationRequested ? Closed() : _starvation.TooLong();
        }
        finally
        {
            _line.Leave();
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

    private void MakeRoom() => _line.MakeRoom();

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
}
