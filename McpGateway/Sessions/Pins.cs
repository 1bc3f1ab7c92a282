using System.Collections.Concurrent;

namespace McpGateway.Sessions;

/// <summary>
/// The sessions that belong to one key for life. Invariants: one taker per key, on the pool's own time, so that the first
/// caller's cancellation does not cost the others their session; a pinned session is never on a shelf; it is ended by whoever
/// takes its pin out of the dictionary, or by the joiner who finds that its pin is not there any more; one that somebody is about to
/// join is not evicted, or two owners in turn could take each other's for ever; <paramref name="onUnused"/> follows whenever one may
/// have become evictable other than by the return of its last lease.
/// </summary>
internal sealed class Pins(PoolHost host, SessionRoster roster, SessionVerifier verifier, Func<SessionKey, Task<UpstreamSession>> take, Action onUnused)
{
    /// <summary>In mode <c>shared</c> every caller has this key, and so the same session.</summary>
    public static readonly SessionKey Everybody = new("", "");

    private readonly ConcurrentDictionary<SessionKey, Pin> _pins = new();

    public int Count => _pins.Count;

    /// <summary>Joins the session of a key, without waiting; null when there is none yet, or it has broken.</summary>
    public UpstreamSession? TryJoin(SessionKey key) =>
        _pins.TryGetValue(key, out var pin) && pin.Session is { } session && TryShare(session) ? session : null;

    /// <summary>Joins the session of a key; takes one for it if need be.</summary>
    /// <exception cref="UpstreamException">There is none to be had.</exception>
    public async ValueTask<UpstreamSession> JoinAsync(SessionKey key, CancellationToken cancellationToken)
    {
        while (true)
        {
            var pin = _pins.GetOrAdd(key, static (key, pins) => new Pin(() => pins.TakeAsync(key)), this);
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
            else if (TryShare(session)) return session;
            else Unpin(key, pin, session, session.BreakReason ?? session.Link.BrokenReason ?? "it is closed");
        }
        catch (Exception exception) when (exception is UpstreamException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            _pins.TryRemove(KeyValuePair.Create(key, pin));
            // A failure of before this call is forgotten, not handed on.
            if (asked) throw;
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

    /// <summary>Ends the one that has been unused for longest, and tells its owner; false when all are in use.</summary>
    public bool TryEvictOldest()
    {
        // One that was joined, or closed, since it was looked at is no reason to leave the next alone.
        foreach (var (key, pin) in _pins.Where(pair => pair.Key != Everybody && pair.Value.IsUnused).OrderBy(pair => pair.Value.Session!.LastUsedAt))
        {
            if (!pin.Session!.TryReserve()) continue;
            Unpin(key, pin, pin.Session, CloseReason.Evicted);
            host.OnEvicted(key);
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
        if (session.Link.BrokenReason is { } broken) return broken;
        if (session.State == SessionState.Closed) return session.BreakReason ?? "it is closed";
        if (session.Leases > 0) return null;
        if (host.Time.GetElapsedTime(session.LastUsedAt) > host.Options.IdleTimeout && key != Everybody && !key.IsOfSession) return CloseReason.IdleAffinity;
        return verifier.WantsPing(session) && !cancellationToken.IsCancellationRequested ? await verifier.PingAsync(session) : null;
    }

    private void Unpin(SessionKey key, Pin pin, UpstreamSession session, CloseReason reason)
    {
        if (_pins.TryRemove(KeyValuePair.Create(key, pin))) roster.Retire(session, reason);
    }

    private Task<UpstreamSession> TakeAsync(SessionKey key)
    {
        var taking = take(key);
        // Whoever asked for it may have left by then.
        _ = taking.ContinueWith(_ => onUnused(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return taking;
    }

    private static bool TryShare(UpstreamSession session) => session.Link.BrokenReason is null && session.TryShare();

    /// <summary>The session of one key, or the taking of it, which begins when somebody first asks for it.</summary>
    private sealed class Pin(Func<Task<UpstreamSession>> take)
    {
        private readonly Lazy<Task<UpstreamSession>> _taking = new(take);
        private int _joining;

        public Task<UpstreamSession> Taking => _taking.Value;

        public bool IsBegun => _taking.IsValueCreated;

        /// <summary>Null until it is taken.</summary>
        public UpstreamSession? Session => _taking is { IsValueCreated: true, Value: { IsCompletedSuccessfully: true } taken } ? taken.Result : null;

        /// <summary>True when it is open, nobody has a lease of it, and nobody is about to.</summary>
        public bool IsUnused => Volatile.Read(ref _joining) == 0 && Session is { State: SessionState.Idle };

        public void BeginJoin() => Interlocked.Increment(ref _joining);

        /// <summary>True when nobody has joined it, or is about to.</summary>
        public bool EndJoin() => Interlocked.Decrement(ref _joining) == 0 && IsUnused;
    }
}
