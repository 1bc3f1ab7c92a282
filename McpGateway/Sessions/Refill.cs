namespace McpGateway.Sessions;

/// <summary>
/// Asks for the successor of a warm session that was just taken, a moment later. At once it would run its handshake on the same
/// cores, and at the same upstream, as the taker's first call, which then takes several times as long as the next; in the delay
/// such a call is on its way. Only for when nobody waits: who waits asks himself, and at once.
/// </summary>
internal sealed class Refill : IDisposable
{
    private static readonly TimeSpan s_delay = TimeSpan.FromMilliseconds(5);

    private readonly ITimer _timer;
    private int _pending;

    public Refill(Action request, TimeProvider time)
    {
        // It must not run in the trace or the log scopes of whoever made the pool.
        using (ExecutionContext.SuppressFlow())
        {
            _timer = time.CreateTimer(
                _ =>
                {
                    Volatile.Write(ref _pending, 0);
                    request();
                },
                null,
                Timeout.InfiniteTimeSpan,
                Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Asks soon. Asking twice meanwhile is asking once.</summary>
    public void AskSoon()
    {
        if (Interlocked.Exchange(ref _pending, 1) == 0) _timer.Change(s_delay, Timeout.InfiniteTimeSpan);
    }

    public void Dispose() => _timer.Dispose();
}
