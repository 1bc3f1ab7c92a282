using System.Collections.Concurrent;

namespace McpGateway.Sessions;

/// <summary>
/// The sessions that belong to one key for life. Invariants: one taker per key, on the pool's own time, so that the first
/// caller's cancellation does not cost the others their session; it is given up when the last of them has left; a pinned session
/// is never on a shelf; it is ended by whoever takes its pin out of the dictionary, or by the joiner who finds that its pin is not there
/// any more; one that somebody is about to join is not evicted, nor one that was joined until <see cref="PoolOptions.PinHold"/> after
/// the first time, or two owners in turn could take each other's for ever; <paramref name="onUnused"/> follows whenever one may have
/// become evictable other than by the return of its last lease, or by the time that passes.
/// </summary>
internal sealed class Pins(PoolHost host, SessionRoster roster, SessionVerifier verifier, Func<SessionKey, CancellationToken, Task<UpstreamSession>> take, Action onUnused)
{
    /// <summary>In mode <c>shared</c> every caller has this key, and so the same session.</summary>
    public static readonly SessionKey Everybody = new("", "");

    private readonly ConcurrentDictionary<SessionKey, Pin> _pins = new();

    /// <summary>Joins the session of a key, without waiting; null when there is none yet, or it has broken.</summary>
    public UpstreamSession? TryJoin(SessionKey key) =>
        _pins.TryGetValue(key, out var pin) && pin.Session is { } session && TryShare(pin, session) ? session : null;

    /// <summary>Joins the session of a key; takes one for it if need be.</summary>
    /// <exception cref="UpstreamException">There is none to be had.</exception>
    public async ValueTask<UpstreamSession> JoinAsync(SessionKey key, CancellationToken cancellationToken)
    {
        while (true)
        {
            var pin = _pins.GetOrAdd(key, static (key, pins) => new Pin(new CancellationTokenSource(), abandoned => pins.TakeAsync(key, abandoned)), this);
            pin.BeginJoin();
            try
            {
                if (await TryJoinAsync(key, pin, cancellationToken) is { } session) return session;
            }
            finally
            {
                if (pin.EndJoin()) onUnused();
            }
        }
    }

    private async Task<UpstreamSession?> TryJoinAsync(SessionKey key, Pin pin, CancellationToken cancellationToken)
    {
        // Who begins it has asked, even if it fails on the spot: he would try again without end.
        var asked = !pin.IsBegun || !pin.Taking.IsCompleted;
        try
        {
            var session = await pin.Taking.WaitAsync(cancellationToken);
            // Released before it was even asked for: nobody else knows that there is a session to end.
            if (!_pins.TryGetValue(key, out var current) || current != pin) roster.Retire(session, CloseReason.ClientLeft);
            else if (TryShare(pin, session)) return session;
            else Unpin(key, pin, session, CloseReason.Broken(session.BreakReason ?? session.Link.BrokenReason ?? "it is closed"));
        }
        catch (Exception exception) when (exception is UpstreamException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            _pins.TryRemove(KeyValuePair.Create(key, pin));
            // A failure of before this call is forgotten, not handed on, and so is that those before have left.
            if (asked && !pin.IsAbandoned) throw;
        }

        return null;
    }

    /// <summary>Ends the session of a key whose owner has gone.</summary>
    public async ValueTask ReleaseAsync(SessionKey key)
    {
        if (!_pins.TryRemove(key, out var pin) || !pin.IsBegun) return;
        try
        {
            roster.Retire(await pin.Taking, CloseReason.ClientLeft);
        }
        catch (Exception exception) when (exception is UpstreamException or OperationCanceledException)
        {
            // The client left before it ever got a session.
        }
    }

    /// <summary>Ends the one that has been unused for longest, of those that may go, and tells its owner.</summary>
    /// <param name="wait">When there is none: how long until the first of the unused ones may go; infinite when all are in use.</param>
    public bool TryEvictOldest(out TimeSpan wait)
    {
        wait = Timeout.InfiniteTimeSpan;
        var now = host.Time.GetTimestamp();
        foreach (var (key, pin) in _pins.Where(pair => pair.Key != Everybody && pair.Value.IsUnused).OrderBy(pair => pair.Value.Session!.LastUsedAt))
        {
            var left = LeftOf(pin, now);
            if (left > TimeSpan.Zero)
            {
                if (wait == Timeout.InfiniteTimeSpan || left < wait) wait = left;
                continue;
            }

            // One that was joined, or closed, since it was looked at is no reason to leave the next alone.
            if (!pin.Session!.TryReserve()) continue;
            Evict(key, pin, pin.Session, now);
            return true;
        }

        return false;
    }

    /// <summary>The keeper's round.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        foreach (var (key, pin) in _pins)
        {
            if (pin.Session is { } session && await ReasonToEndAsync(key, session, cancellationToken) is { } reason) Unpin(key, pin, session, reason);
        }
    }

    /// <summary>Forgets them all; their sessions are the roster's to end.</summary>
    public void Clear() => _pins.Clear();

    private async Task<CloseReason?> ReasonToEndAsync(SessionKey key, UpstreamSession session, CancellationToken cancellationToken)
    {
        if (session.Link.BrokenReason is { } broken) return CloseReason.Broken(broken);
        if (session.State == SessionState.Closed) return CloseReason.Broken(session.BreakReason ?? "it is closed");
        if (session.Leases > 0) return null;
        if (host.Time.GetElapsedTime(session.LastUsedAt) > host.Options.IdleTimeout && key != Everybody && !key.IsOfSession) return CloseReason.IdleAffinity;
        return verifier.WantsPing(session) && !cancellationToken.IsCancellationRequested ? await verifier.PingAsync(session) : null;
    }

    private void Unpin(SessionKey key, Pin pin, UpstreamSession session, CloseReason reason)
    {
        if (_pins.TryRemove(KeyValuePair.Create(key, pin))) roster.Retire(session, reason);
    }

    /// <summary>How much is left of the time for which it is kept at least; none when nobody ever came for it.</summary>
    private TimeSpan LeftOf(Pin pin, long now) => pin.JoinedAt is { } since ? host.Options.PinHold - host.Time.GetElapsedTime(since, now) : TimeSpan.Zero;

    private void Evict(SessionKey key, Pin pin, UpstreamSession session, long now)
    {
        // A client's session goes by an id that is its key to the gateway.
        var owner = key.IsOfSession ? "a client's session" : $"affinity '{key.Affinity}'";
        var unused = host.Time.GetElapsedTime(session.LastUsedAt, now);
        host.Timeline.Add("pinned session evicted", $"of {owner}, unused for {unused.TotalSeconds:0.#} s, for one who waits");
        host.Logger.PinEvicted(session.Number, host.Upstream, owner, unused.TotalSeconds);
        Unpin(key, pin, session, CloseReason.Evicted);
        host.OnEvicted(key);
    }

    private Task<UpstreamSession> TakeAsync(SessionKey key, CancellationToken abandoned)
    {
        var taking = take(key, abandoned);
        // Whoever asked for it may have left by then.
        _ = taking.ContinueWith(taken => End(key, taken), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return taking;
    }

    private void End(SessionKey key, Task<UpstreamSession> taken)
    {
        if (taken.IsCompletedSuccessfully) onUnused();
        else if (_pins.TryGetValue(key, out var pin) && pin.IsOf(taken)) _pins.TryRemove(KeyValuePair.Create(key, pin));
    }

    private bool TryShare(Pin pin, UpstreamSession session)
    {
        if (session.Link.BrokenReason is not null || !session.TryShare()) return false;
        if (pin.JoinedAt is null) pin.Join(host.Time.GetTimestamp());
        return true;
    }

    /// <summary>The session of one key, or the taking of it, which begins when somebody first asks for it.</summary>
    private sealed class Pin
    {
        private const long Never = long.MinValue;

        private readonly CancellationTokenSource _abandoned;
        private readonly Lazy<Task<UpstreamSession>> _taking;
        private long _joinedAt = Never;
        private int _joining;

        public Pin(CancellationTokenSource abandoned, Func<CancellationToken, Task<UpstreamSession>> take)
        {
            _abandoned = abandoned;
            _taking = new(() => take(abandoned.Token));
        }

        public Task<UpstreamSession> Taking => _taking.Value;

        public bool IsBegun => _taking.IsValueCreated;

        /// <summary>Null until it is taken.</summary>
        public UpstreamSession? Session => _taking is { IsValueCreated: true, Value: { IsCompletedSuccessfully: true } taken } ? taken.Result : null;

        /// <summary>Timestamp of the first lease; null before.</summary>
        public long? JoinedAt => Volatile.Read(ref _joinedAt) is var at && at != Never ? at : null;

        /// <summary>True when all who waited for it left before there was a session.</summary>
        public bool IsAbandoned => _abandoned.IsCancellationRequested;

        /// <summary>True when it is open, nobody has a lease of it, and nobody is about to.</summary>
        public bool IsUnused => Volatile.Read(ref _joining) == 0 && Session is { State: SessionState.Idle };

        public bool IsOf(Task taking) => _taking.IsValueCreated && _taking.Value == taking;

        /// <summary>Notes the first lease; while it is held, so that it is noted before the session can be unused.</summary>
        public void Join(long at) => Interlocked.CompareExchange(ref _joinedAt, at, Never);

        public void BeginJoin() => Interlocked.Increment(ref _joining);

        /// <summary>True when nobody has joined it, or is about to. Gives the taking up where nobody waits for it: who comes just then begins another.</summary>
        public bool EndJoin()
        {
            if (Interlocked.Decrement(ref _joining) > 0) return false;
            if (IsBegun && !Taking.IsCompleted) _abandoned.Cancel();
            return IsUnused;
        }
    }
}
