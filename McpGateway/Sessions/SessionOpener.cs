using System.Threading.Channels;

namespace McpGateway.Sessions;

/// <summary>
/// Opens sessions in the background, so that a caller only ever waits for one. At most three handshakes at once; before each
/// it asks again whether it is still needed; after a failure it backs off.
/// </summary>
internal sealed class SessionOpener(
    string upstream,
    Func<int> need,
    Func<CancellationToken, Task<bool>> openOne,
    Action onFailure,
    Breaker breaker,
    PoolMeter meter,
    Timeline timeline,
    TimeProvider time,
    ILogger logger) : IAsyncDisposable
{
    private const int AtOnce = 3;

    private readonly Channel<bool> _requests = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _startLock = new();
    private Task? _loop;
    private int _opening;

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
                await BackOffAsync();
                handshakes.RemoveAll(handshake => handshake.IsCompleted);
                for (var wanted = Math.Min(need(), AtOnce) - Opening; wanted > 0; wanted--)
                {
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

    private async Task BackOffAsync()
    {
        var wait = breaker.RetryAt - time.GetUtcNow();
        if (wait > TimeSpan.Zero && need() > 0) await Task.Delay(wait, time, _closing.Token);
    }

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
