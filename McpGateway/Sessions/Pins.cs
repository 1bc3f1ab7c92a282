using System.Collections.Concurrent;

namespace McpGateway.Sessions;

/// <summary>
/// The sessions that belong to one key for life. Invariants: one taker per key, on the pool's own time, so that the first
/// caller's cancellation does not cost the others their session; a pinned session is never on a shelf; it is ended by whoever
/// takes its pin out of the dictionary, or by the joiner who finds that its pin is not there any more.
/// </summary>
internal sealed class Pins(PoolHost host, SessionRoster roster, SessionVerifier verifier, Func<SessionKey, Task<UpstreamSession>> take)
{
    /// <summary>In mode <c>shared</c> every caller has this key, and so the same session.</summary>
    public static readonly SessionKey Everybody = new("", "");

    private readonly ConcurrentDictionary<SessionKey, Lazy<Task<UpstreamSession>>> _pins = new();

    public int Count => _pins.Count;

    /// <summary>Joins the session of a key, without waiting; null when there is none yet, or it has broken.</summary>
    public UpstreamSession? TryJoin(SessionKey key) =>
        _pins.TryGetValue(key, out var pin) && Taken(pin) is { } session && TryShare(session) ? session : null;

    /// <summary>Joins the session of a key; takes one for it if need be.</summary>
    /// <exception cref="UpstreamException">There is none to be had.</exception>
    public async ValueTask<UpstreamSession> JoinAsync(SessionKey key, CancellationToken cancellationToken)
    {
        while (true)
        {
            var pin = _pins.GetOrAdd(key, static (key, take) => new Lazy<Task<UpstreamSession>>(() => take(key)), take);
            var asked = !pin.Value.IsCompleted;
            try
            {
                var session = await pin.Value.WaitAsync(cancellationToken);
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
        }
    }

    /// <summary>Ends the session of a key whose owner has gone.</summary>
    public async ValueTask ReleaseAsync(SessionKey key)
    {
        if (!_pins.TryRemove(key, out var pin) || !pin.IsValueCreated) return;
        try
        {
            roster.Retire(await pin.Value, CloseReason.ClientLeft);
        }
        catch (Exception exception) when (exception is UpstreamException or OperationCanceledException)
        {
            // The client left before it ever got a session.
        }
    }

    /// <summary>Ends the one that has been unused for longest, and tells its owner; false when all are in use.</summary>
    public bool TryEvictOldest()
    {
        var oldest = _pins
            .Where(pair => pair.Key != Everybody && Taken(pair.Value) is { Leases: 0 })
            .OrderBy(pair => pair.Value.Value.Result.LastUsedAt)
            .FirstOrDefault();
        if (oldest.Value is null || Taken(oldest.Value) is not { } session || !session.TryReserve()) return false;
        Unpin(oldest.Key, oldest.Value, session, CloseReason.Evicted);
        host.OnEvicted(oldest.Key);
        return true;
    }

    /// <summary>The keeper's round.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        foreach (var (key, pin) in _pins)
        {
            if (Taken(pin) is { } session && await ReasonToEndAsync(key, session, cancellationToken) is { } reason) Unpin(key, pin, session, reason);
        }
    }

    /// <summary>Forgets them all; their sessions are the roster's to end.</summary>
    public void Clear() => _pins.Clear();

    private async Task<CloseReason?> ReasonToEndAsync(SessionKey key, UpstreamSession session, CancellationToken cancellationToken)
    {
        if (session.Link.BrokenReason is { } broken) return broken;
        if (session.Leases > 0) return null;
        if (host.Time.GetElapsedTime(session.LastUsedAt) > host.Options.IdleTimeout && key != Everybody && !key.IsOfSession) return CloseReason.IdleAffinity;
        return verifier.WantsPing(session) && !cancellationToken.IsCancellationRequested ? await verifier.PingAsync(session) : null;
    }

    private void Unpin(SessionKey key, Lazy<Task<UpstreamSession>> pin, UpstreamSession session, CloseReason reason)
    {
        if (_pins.TryRemove(KeyValuePair.Create(key, pin))) roster.Retire(session, reason);
    }

    private static UpstreamSession? Taken(Lazy<Task<UpstreamSession>> pin) => pin is { IsValueCreated: true, Value.IsCompletedSuccessfully: true } ? pin.Value.Result : null;

    private static bool TryShare(UpstreamSession session) => session.Link.BrokenReason is null && session.TryShare();
}
