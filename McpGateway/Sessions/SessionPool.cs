using System.Collections.Concurrent;
using System.Diagnostics;
using System.Threading.Channels;

namespace McpGateway.Sessions;

/// <summary>
/// The pool for upstreams that keep sessions. One unbounded channel is both the idle list and the queue of those who wait,
/// first come first served; <c>null</c> in it means "look again". Invariants: only an idle, unpinned session is in the
/// channel, and in it once; a session is counted in <c>_total</c> from <see cref="Add"/> until its one close; callers never
/// open, they only ask the opener.
/// </summary>
internal sealed class SessionPool(
    string upstream,
    PoolOptions options,
    Breaker breaker,
    Action request,
    Action<SessionKey> onEvicted,
    PoolMeter meter,
    Timeline timeline,
    TimeProvider time,
    ILogger logger) : UpstreamSessions(meter)
{
    /// <summary>In mode <c>shared</c> every caller has this key, and so the same session.</summary>
    private static readonly SessionKey s_everybody = new("", "");

    private static readonly TimeSpan s_pingTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_leakGrace = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_drainedRetry = TimeSpan.FromSeconds(30);

    private readonly Channel<UpstreamSession?> _idle = Channel.CreateUnbounded<UpstreamSession?>();
    private readonly ConcurrentDictionary<SessionKey, Lazy<Task<UpstreamSession>>> _pins = new();
    private readonly ConcurrentDictionary<long, UpstreamSession> _all = new();
    private readonly ConcurrentDictionary<Task, byte> _closings = new();
    private readonly CancellationTokenSource _closing = new();
    private int _idleCount;
    private int _total;
    private int _waiting;
    private long _doubted = long.MinValue;
    private int _generation;
    private volatile bool _drained;
    private WarmHint _hint = new(0, 0);

    /// <summary>Sessions at most: as configured, or fewer once the upstream has refused one more.</summary>
    private int _limit = options.Max;

    public override PoolCounts Counts => new(
        Volatile.Read(ref _idleCount), _all.Values.Count(session => session.Leases > 0), _pins.Count, 0, Volatile.Read(ref _waiting), Volatile.Read(ref _total));

    public override int Need
    {
        get
        {
            if (_closing.IsCancellationRequested || _drained) return 0;
            var total = Volatile.Read(ref _total);
            var wanted = options.Mode == PoolMode.Shared
                ? Math.Max(1, WarmTarget) - _all.Values.Count(session => session.State != SessionState.Broken)
                // A session handed to one who waits counts as idle until he takes it: else one more would be opened for him.
                : Math.Max(WarmTarget, Volatile.Read(ref _waiting)) - Volatile.Read(ref _idleCount);
            return Math.Max(0, Math.Min(wanted, Volatile.Read(ref _limit) - total));
        }
    }

    /// <summary>Sessions to have open and unused: the configured minimum, or what somebody has announced a need for.</summary>
    private int WarmTarget
    {
        get
        {
            var hint = Volatile.Read(ref _hint);
            return hint.Count > options.MinIdle && time.GetElapsedTime(hint.Since) < options.IdleTimeout ? hint.Count : options.MinIdle;
        }
    }

    public override ValueTask<SessionLease> LeaseAsync(SessionKey key, CancellationToken cancellationToken) => options.Mode switch
    {
        _ when _drained => ValueTask.FromException<SessionLease>(Drained()),
        PoolMode.Shared => LeasePinnedAsync(s_everybody, key, cancellationToken),
        PoolMode.Auto or PoolMode.Pinned when key.Affinity is not null => LeasePinnedAsync(key, key, cancellationToken),
        PoolMode.Pinned => ValueTask.FromException<SessionLease>(new UpstreamException(FailureKind.Refused,
            $"Upstream '{upstream}' is pinned: call it within a session, or send the header {Protocol.McpHeader.Affinity}.")),
        _ => LeaseAloneAsync(key, cancellationToken),
    };

    public override async ValueTask ReleaseAsync(SessionKey key)
    {
        if (!_pins.TryRemove(key, out var pin) || !pin.IsValueCreated) return;
        try
        {
            Retire(await pin.Value, CloseReason.ClientLeft);
        }
        catch (Exception exception) when (exception is UpstreamException or OperationCanceledException)
        {
            // The client left before it ever got a session.
        }
    }

    public override void Add(UpstreamSession session)
    {
        Interlocked.Increment(ref _total);
        _all[session.Number] = session;
        session.Generation = Volatile.Read(ref _generation);
        if (_closing.IsCancellationRequested) Retire(session, CloseReason.Shutdown);
        else PutIdle(session);
    }

    public override void Warm(int count)
    {
        _drained = false;
        Volatile.Write(ref _hint, new WarmHint(Math.Min(count, options.Max), time.GetTimestamp()));
        request();
    }

    public override void Clear()
    {
        Interlocked.Increment(ref _generation);
        CloseUnused(CloseReason.Cleared);
        request();
    }

    public override void Drain()
    {
        _drained = true;
        Interlocked.Increment(ref _generation);
        CloseUnused(CloseReason.Drained);
        WakeWaiters();
    }

    public override void WakeWaiters()
    {
        for (var i = Volatile.Read(ref _waiting); i > 0; i--) _idle.Writer.TryWrite(null);
    }

    /// <summary>Takes the sessions there are for as many as the upstream allows.</summary>
    /// <returns>The limit; null when there are none, so that it must be somebody else's that is in the way.</returns>
    public int? TryLimit()
    {
        var total = Volatile.Read(ref _total);
        if (total == 0) return null;
        Volatile.Write(ref _limit, Math.Min(total, options.Max));
        return total;
    }

    public override ValueTask ReturnAsync(UpstreamSession session)
    {
        if (session.Link.BrokenReason is { } reason)
        {
            session.Break(reason);
            // What took this session may have taken all: the others are asked before they are handed out.
            Volatile.Write(ref _doubted, time.GetTimestamp());
        }
        else if (options.Mode == PoolMode.SingleUse) session.Break(CloseReason.UsedOnce);
        else if (session.Generation != Volatile.Read(ref _generation)) session.Break(_drained ? CloseReason.Drained : CloseReason.Cleared);
        switch (session.Release(time.GetTimestamp()))
        {
            case SessionState.Broken: TryClose(session); break;
            case SessionState.Idle when session.PinnedTo is null: PutIdle(session); break;
            // At the limit those who wait may take its place now.
            case SessionState.Idle when Volatile.Read(ref _waiting) > 0: _idle.Writer.TryWrite(null); break;
        }

        return ValueTask.CompletedTask;
    }

    public override async Task SweepAsync(CancellationToken cancellationToken)
    {
        for (var i = _idle.Reader.Count; i > 0 && _idle.Reader.TryRead(out var session); i--)
        {
            if (session is null) continue;
            Interlocked.Decrement(ref _idleCount);
            if (session.TryReserve()) await KeepAsync(session, cancellationToken);
            else TryClose(session);
        }

        foreach (var (key, pin) in _pins) await KeepPinnedAsync(key, pin, cancellationToken);
        foreach (var session in _all.Values) WarnOfLongLeases(session);
    }

    /// <summary>Pinned sessions are not parked: what they hold belongs to a client who does not come back to this place.</summary>
    public override async Task ParkAsync(DateTimeOffset until)
    {
        await _closing.CancelAsync();
        await Task.WhenAll(_all.Values
            .Where(session => session.Record is not null && session.Link.BrokenReason is null && (session.PinnedTo is null || session.PinnedTo == s_everybody))
            .Select(session => ParkAsync(session, until)));
    }

    private async Task ParkAsync(UpstreamSession session, DateTimeOffset until)
    {
        if (!session.TryReserve()) return;
        if (await session.Record!.ParkAsync(options.Mode == PoolMode.Shared ? null : session.Principal, until))
        {
            session.Link.Leave();
            Retire(session, CloseReason.Parked);
        }
        else
        {
            session.TryUnreserve();
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        _pins.Clear();
        foreach (var session in _all.Values) Retire(session, CloseReason.Shutdown);
        await Task.WhenAll(_closings.Keys);
    }

    private ValueTask<SessionLease> LeaseAloneAsync(SessionKey key, CancellationToken cancellationToken)
    {
        while (_idle.Reader.TryRead(out var session))
        {
            if (session is null) continue;
            Interlocked.Decrement(ref _idleCount);
            var now = time.GetTimestamp();
            if (MustProbe(session, now) || MustRecord(session)) return ReadyThenLeaseAsync(session, key, cancellationToken);
            if (TryTake(session, key, now)) return ValueTask.FromResult(LeaseAndRefill(session, key, now));
        }

        return WaitAsync(key, cancellationToken);
    }

    private async ValueTask<SessionLease> ReadyThenLeaseAsync(UpstreamSession session, SessionKey key, CancellationToken cancellationToken)
    {
        if (await ReadyAsync(session) && time.GetTimestamp() is var now && TryTake(session, key, now)) return LeaseAndRefill(session, key, now);
        return await LeaseAloneAsync(key, cancellationToken);
    }

    private async ValueTask<SessionLease> WaitAsync(SessionKey key, CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref _waiting) > options.MaxWaiting)
        {
            Interlocked.Decrement(ref _waiting);
            throw Starved("as many callers as may wait are waiting already", "Raise pool.max or pool.maxWaiting.");
        }

        using var deadline = new CancellationTokenSource(options.AcquireTimeout, time);
        using var any = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token, _closing.Token);
        try
        {
            while (true)
            {
                if (_drained) throw Drained();
                // While a session is out that may come back, one that cannot be opened is no reason to give up.
                if (_all.Values.All(session => session.PinnedTo is not null)) breaker.ThrowIfOpen();
                if (!key.IsOfGateway) MakeRoom();
                request();
                var session = await _idle.Reader.ReadAsync(any.Token);
                if (session is null) continue;
                Interlocked.Decrement(ref _idleCount);
                if (await ReadyAsync(session) && time.GetTimestamp() is var now && TryTake(session, key, now)) return Lease(session, key, now);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw _closing.IsCancellationRequested
                ? new UpstreamException(FailureKind.Unreachable, $"Upstream '{upstream}' was closed or changed. Try again.", retryAfter: TimeSpan.FromSeconds(1))
                : Starved($"none became free within {options.AcquireTimeout.TotalSeconds:0.#} s", "Raise pool.max, or pool.minIdle if opening is slow.");
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
            if (Need > 0) request();
        }
    }

    /// <summary>Takes a session that was just read from the channel; closes it when it is of no use.</summary>
    private bool TryTake(UpstreamSession session, SessionKey key, long now)
    {
        // One's own session starts with nobody's state, not even that of other calls of the same principal.
        var reason = Useless(session, key.Principal, now) ?? (key.Affinity is not null && session.Principal is not null ? "it has served another, and a pinned session starts unused" : null);
        if (reason is not null)
        {
            Retire(session, reason);
            return false;
        }

        if (!session.TryLease())
        {
            TryClose(session);
            return false;
        }

        session.Principal ??= key.Principal;
        return true;
    }

    private SessionLease LeaseAndRefill(UpstreamSession session, SessionKey key, long now)
    {
        if (Need > 0) request();
        return Lease(session, key, now);
    }

    private SessionLease Lease(UpstreamSession session, SessionKey holder, long now) => new(this, session.RentSlot(holder.Affinity ?? holder.Principal, now));

    private CloseReason? Useless(UpstreamSession session, string principal, long now)
    {
        if (session.Link.BrokenReason is { } reason) return reason;
        // What one principal did on a session is never seen by another.
        if (session.Principal is { } owner && owner != principal) return CloseReason.OtherPrincipal;
        if (session.Generation != Volatile.Read(ref _generation)) return CloseReason.Cleared;
        return time.GetElapsedTime(session.OpenedAt, now) > session.Lifetime ? CloseReason.MaxLifetime : null;
    }

    private ValueTask<SessionLease> LeasePinnedAsync(SessionKey key, SessionKey holder, CancellationToken cancellationToken)
    {
        if (_pins.TryGetValue(key, out var pin) && pin is { IsValueCreated: true, Value.IsCompletedSuccessfully: true } && TryShare(pin.Value.Result))
            return ValueTask.FromResult(Lease(pin.Value.Result, holder, time.GetTimestamp()));
        return LeasePinnedSlowlyAsync(key, holder, cancellationToken);
    }

    private async ValueTask<SessionLease> LeasePinnedSlowlyAsync(SessionKey key, SessionKey holder, CancellationToken cancellationToken)
    {
        while (true)
        {
            // One taker per pin, on the pool's own time: the first caller's cancellation must not cost the others their session.
            var pin = _pins.GetOrAdd(key, static (key, pool) => new Lazy<Task<UpstreamSession>>(() => pool.TakeForPinAsync(key)), this);
            var asked = !pin.Value.IsCompleted;
            try
            {
                var session = await pin.Value.WaitAsync(cancellationToken);
                if (TryShare(session)) return Lease(session, holder, time.GetTimestamp());
                Unpin(key, pin, session, session.BreakReason ?? session.Link.BrokenReason ?? "it is closed");
            }
            catch (Exception exception) when (exception is UpstreamException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                _pins.TryRemove(KeyValuePair.Create(key, pin));
                // A failure of before this call is forgotten, not handed on.
                if (asked) throw;
            }
        }
    }

    private static bool TryShare(UpstreamSession session) => session.Link.BrokenReason is null && session.TryShare();

    private async Task<UpstreamSession> TakeForPinAsync(SessionKey key)
    {
        var lease = await LeaseAloneAsync(key, _closing.Token);
        // Pinned before it is given back, so that the return leaves it out of the channel.
        lease.Session.PinnedTo = key;
        await lease.DisposeAsync();
        return lease.Session;
    }

    private void Unpin(SessionKey key, Lazy<Task<UpstreamSession>> pin, UpstreamSession session, CloseReason reason)
    {
        if (_pins.TryRemove(KeyValuePair.Create(key, pin))) Retire(session, reason);
    }

    /// <summary>At the maximum, the pinned session that has been unused for longest makes room for those who wait.</summary>
    private void MakeRoom()
    {
        if (Volatile.Read(ref _total) < Volatile.Read(ref _limit) || Volatile.Read(ref _idleCount) > 0) return;
        var oldest = _pins
            .Where(pair => pair.Key != s_everybody && pair.Value is { IsValueCreated: true, Value.IsCompletedSuccessfully: true } && pair.Value.Value.Result.Leases == 0)
            .OrderBy(pair => pair.Value.Value.Result.LastUsedAt)
            .FirstOrDefault();
        if (oldest.Value is null || !oldest.Value.Value.Result.TryReserve()) return;
        Unpin(oldest.Key, oldest.Value, oldest.Value.Value.Result, CloseReason.Evicted);
        onEvicted(oldest.Key);
    }

    private bool MustProbe(UpstreamSession session, long now) => session.Link.NeedsProbe
        && (time.GetElapsedTime(session.VerifiedAt, now) > options.BypassWindow || session.VerifiedAt <= Volatile.Read(ref _doubted));

    /// <summary>The ledger must know that a session is used before its first caller gets it; where use leaves nothing, it need not.</summary>
    private bool MustRecord(UpstreamSession session) => session.Record is { IsUnused: true } && options.Mode != PoolMode.Shared;

    private async ValueTask<bool> ReadyAsync(UpstreamSession session) =>
        (!MustProbe(session, time.GetTimestamp()) || await ProbeAsync(session)) && (!MustRecord(session) || await RecordUseAsync(session));

    private async ValueTask<bool> RecordUseAsync(UpstreamSession session)
    {
        if (!session.TryReserve())
        {
            TryClose(session);
            return false;
        }

        if (!await session.Record!.BeginUseAsync())
        {
            Retire(session, "its use cannot be written to the ledger");
            return false;
        }

        return session.TryUnreserve();
    }

    /// <summary>Checks a session out of the channel with a round trip; closes it when it does not answer.</summary>
    private async ValueTask<bool> ProbeAsync(UpstreamSession session)
    {
        if (!session.TryReserve())
        {
            TryClose(session);
            return false;
        }

        if (await PingAsync(session) is { } reason)
        {
            Retire(session, reason);
            return false;
        }

        return session.TryUnreserve();
    }

    private async Task<CloseReason?> PingAsync(UpstreamSession session)
    {
        CloseReason? reason = await LinkCalls.PingAsync(session.Link, s_pingTimeout, time);
        if (reason is null) session.Verify(time.GetTimestamp());
        return reason;
    }

    private bool WantsPing(UpstreamSession session, CancellationToken cancellationToken) =>
        session.Link.NeedsProbe && time.GetElapsedTime(session.VerifiedAt) > session.KeepAlive && !cancellationToken.IsCancellationRequested;

    private async Task KeepAsync(UpstreamSession session, CancellationToken cancellationToken)
    {
        var idle = time.GetElapsedTime(session.LastUsedAt);
        var reason = Useless(session, session.Principal ?? "", time.GetTimestamp())
            ?? (idle > options.IdleTimeout && Volatile.Read(ref _idleCount) >= WarmTarget ? CloseReason.Idle : null);
        if (reason is null && WantsPing(session, cancellationToken)) reason = await PingAsync(session);
        if (reason is not null) Retire(session, reason);
        else if (session.TryUnreserve()) PutIdle(session);
        else TryClose(session);
    }

    private async Task KeepPinnedAsync(SessionKey key, Lazy<Task<UpstreamSession>> pin, CancellationToken cancellationToken)
    {
        if (pin is not { IsValueCreated: true, Value.IsCompletedSuccessfully: true }) return;
        var session = await pin.Value;
        var idle = time.GetElapsedTime(session.LastUsedAt);
        CloseReason? reason = session.Link.BrokenReason;
        if (reason is null && session.Leases == 0 && idle > options.IdleTimeout && key != s_everybody && !key.IsOfSession) reason = CloseReason.IdleAffinity;
        if (reason is null && session.Leases == 0 && WantsPing(session, cancellationToken)) reason = await PingAsync(session);
        if (reason is not null) Unpin(key, pin, session, reason);
    }

    /// <summary>Closes what nobody uses; what is in use is closed at its return, since its generation has passed.</summary>
    private void CloseUnused(CloseReason reason)
    {
        // Out of the channel first: a dead session in it would count as idle until somebody reads it.
        for (var i = _idle.Reader.Count; i > 0 && _idle.Reader.TryRead(out var session); i--)
        {
            if (session is null) continue;
            Interlocked.Decrement(ref _idleCount);
            Retire(session, reason);
        }

        foreach (var session in _all.Values)
        {
            if (session.PinnedTo is not null && session.TryReserve()) Retire(session, reason);
        }
    }

    /// <summary>A call cannot hold a lease for longer than its own deadline, so one that does has been forgotten.</summary>
    private void WarnOfLongLeases(UpstreamSession session)
    {
        var before = time.GetTimestamp() - (long)((options.CallTimeout + s_leakGrace).TotalSeconds * time.TimestampFrequency);
        foreach (var holder in session.LongHolders(before))
        {
            timeline.Add("lease not returned", $"by {holder.Caller} since {time.GetElapsedTime(holder.Since).TotalSeconds:0} s");
            logger.LeaseNotReturned(upstream, session.Number, holder.Caller, holder.TraceId, time.GetElapsedTime(holder.Since).TotalSeconds);
        }
    }

    private void PutIdle(UpstreamSession session)
    {
        Debug.Assert(session.PinnedTo is null, "A pinned session is not in the channel.");
        Interlocked.Increment(ref _idleCount);
        _idle.Writer.TryWrite(session);
    }

    private void Retire(UpstreamSession session, CloseReason reason)
    {
        session.Break(reason);
        TryClose(session);
    }

    /// <summary>Closes a broken session that nobody holds any more; the last holder's return does it otherwise.</summary>
    private void TryClose(UpstreamSession session)
    {
        if (!session.TryClose()) return;
        Interlocked.Decrement(ref _total);
        _all.TryRemove(session.Number, out _);
        timeline.Add("session closed", session.BreakReason);
        Meter.Closed(session);
        logger.SessionClosed(session.Number, upstream, session.BreakReason ?? "");
        var closing = session.CloseAsync();
        _closings[closing] = 0;
        _ = closing.ContinueWith(done => _closings.TryRemove(done, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        request();
    }

    private UpstreamException Drained() => new(FailureKind.Throttled,
        $"Upstream '{upstream}' was drained by an operator, who takes it back with POST /upstreams/{upstream}/warm.", retryAfter: s_drainedRetry);

    private UpstreamException Starved(string why, string remedy)
    {
        var counts = Counts;
        return new UpstreamException(FailureKind.Throttled,
            $"No session of upstream '{upstream}' is free: {why} ({counts.Total} of {Volatile.Read(ref _limit)} open, {counts.Leased} in use, {counts.Pinned} pinned, {counts.Waiting} waiting"
            + $"{(breaker.LastFailure is { } last ? $"; last failure to open: {last.Message}" : "")}). {remedy}",
            breaker.LastFailure, TimeSpan.FromSeconds(1));
    }

    /// <summary>How many sessions somebody will want soon, and since when that is known.</summary>
    private sealed record WarmHint(int Count, long Since);
}
