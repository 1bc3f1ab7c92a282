using System.Threading.Channels;

namespace McpGateway.Sessions;

/// <summary>
/// Opens sessions in the background, so that a caller only ever waits for one. At most three handshakes at once; before each
/// it asks again whether it is still needed; after a failure it backs off; an upstream with a budget gets no more than that.
/// </summary>
internal sealed class SessionOpener(
    string upstream,
    Func<int> need,
    Func<CancellationToken, Task<bool>> openOne,
    Action onFailure,
    Breaker breaker,
    HandshakeBudget budget,
    PoolMeter meter,
    Timeline timeline,
    TimeProvider time,
    ILogger logger) : IAsyncDisposable
{
    /// <summary>Handshakes at once.</summary>
    public const int AtOnce = 3;

    private readonly Channel<bool> _requests = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _startLock = new();
    private Task? _loop;
    private int _opening;

    /// <summary>Handshakes begun.</summary>
    public long Begun => budget.Taken;

    /// <summary>Handshakes under way.</summary>
    public int Opening => Volatile.Read(ref _opening);

    public void Start()
    {
        lock (_startLock)
        {
            // The loop must not live in the trace or the log scopes of whoever happened to start it.
            using (ExecutionContext.SuppressFlow()) _loop ??= Task.Run(RunAsync);
        }

        Request();
    }

    /// <summary>Says that more sessions may be wanted. Never waits; asking twice is asking once.</summary>
    public void Request() => _requests.Writer.TryWrite(true);

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        if (_loop is not null) await _loop;
    }

    private async Task RunAsync()
    {
        var handshakes = new List<Task>();
        try
        {
            while (await _requests.Reader.WaitToReadAsync(_closing.Token))
            {
                _requests.Reader.TryRead(out _);
                handshakes.RemoveAll(handshake => handshake.IsCompleted);
                while (await IsNextDueAsync())
                {
                    budget.Take();
                    Interlocked.Increment(ref _opening);
                    handshakes.Add(OpenAsync());
                }
            }
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested)
        {
            await Task.WhenAll(handshakes);
        }
    }

    /// <summary>Waits until another handshake may begin; false when none is needed any more. After each wait it looks again at everything.</summary>
    private async Task<bool> IsNextDueAsync()
    {
        while (Math.Min(need(), AtOnce) > Opening)
        {
            if (breaker.RetryAt - time.GetUtcNow() is var backoff && backoff > TimeSpan.Zero) await PauseAsync(backoff);
            else if (budget.Wait is var wait && wait > TimeSpan.Zero) await HoldBackAsync(wait);
            else return true;
        }

        return false;
    }

    private async Task HoldBackAsync(TimeSpan wait)
    {
        var reason = $"the handshakes of this minute are used up (pool.handshakesPerMinute), the next is due in {wait.TotalSeconds:0.#} s";
        timeline.Add("handshake held back", reason);
        breaker.HeldBack = reason;
        try
        {
            await PauseAsync(wait);
        }
        finally
        {
            breaker.HeldBack = null;
        }
    }

    /// <summary>In whole milliseconds, rounded up: a timer cuts off the rest, and whoever then looks again would find that it is still too early.</summary>
    private Task PauseAsync(TimeSpan wait) => Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds)), time, _closing.Token);

    private async Task OpenAsync()
    {
        await Task.Yield();
        var started = time.GetUtcNow();
        try
        {
            if (await openOne(_closing.Token)) breaker.RecordSuccess();
        }
        catch (UpstreamException exception)
        {
            Fail(exception, started);
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested)
        {
            // The upstream is going away, and the half-open session with it.
        }
        catch (Exception exception)
        {
            logger.OpenerFailed(upstream, exception);
            Fail(new UpstreamException(FailureKind.NotMcp, exception.Message, exception), started);
        }
        finally
        {
            Interlocked.Decrement(ref _opening);
            Request();
        }
    }

    private void Fail(UpstreamException exception, DateTimeOffset started)
    {
        // Handshakes that fail side by side have met the same trouble: one failure, not three in a row.
        var counted = breaker.LastFailure is not null && breaker.LastFailureAt >= started && exception.Kind is not (FailureKind.Unauthorized or FailureKind.Throttled);
        var delay = counted ? breaker.RetryAt - time.GetUtcNow() : breaker.RecordFailure(exception);
        timeline.Add("open failed", exception.Message);
        meter.OpenFailed(exception.Kind);
        logger.OpenFailed(upstream, exception.Kind, exception.Message, delay.TotalSeconds);
        onFailure();
    }
}
