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

    /// <summary>After so long a handshake may be taken for one that is not answered.</summary>
    public static readonly TimeSpan Long = TimeSpan.FromSeconds(5);

    private readonly Channel<bool> _requests = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _startLock = new();

    /// <summary>Held while a back-off is made or ended, so that a failure knows of every reconsidering since its handshake began.</summary>
    private readonly Lock _backoffLock = new();

    /// <summary>
    /// The handshakes under way. Whoever holds the lock may give them up; each takes itself out. Invariant: from one haste to the next some handshake has ended
    /// by itself, so that one which takes its time is not given up again and again by those who ask often.
    /// </summary>
    private readonly Lock _attemptsLock = new();
    private readonly HashSet<Attempt> _attempts = [];
    private bool _hastened;

    private TaskCompletionSource _reconsidered = new(TaskCreationOptions.RunContinuationsAsynchronously);
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

    /// <summary>Says that a session which may have been in the way is gone: a back-off because of one ends now, and a handshake that is refused because of one is followed by another at once.</summary>
    public void Reconsider()
    {
        TaskCompletionSource reconsidered;
        lock (_backoffLock)
        {
            breaker.Reconsider();
            // After the breaker: whoever reads the new one finds the back-off ended.
            reconsidered = Interlocked.Exchange(ref _reconsidered, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        reconsidered.SetResult();
        Request();
    }

    /// <summary>Gives the handshakes under way up, which is no failure, and begins those that are still wanted anew.</summary>
    public void BeginAnew()
    {
        lock (_attemptsLock) foreach (var attempt in _attempts) attempt.GiveUp();
    }

    /// <summary>Brings the next handshake forward, unless the upstream asked for the pause: a back-off ends, and what has been under way for long is given up and begun anew, once until one has ended.</summary>
    public void Hasten()
    {
        lock (_attemptsLock)
        {
            foreach (var attempt in _attempts.Where(attempt => !_hastened && IsLong(attempt)).ToArray()) attempt.GiveUp();
            _hastened |= _attempts.Any(static attempt => attempt.IsGivenUp);
        }

        lock (_backoffLock)
        {
            if (!breaker.Hasten()) return;
            Interlocked.Exchange(ref _reconsidered, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
        }

        Request();
    }

    /// <summary>How many handshakes have been under way for long.</summary>
    public int CountLong()
    {
        lock (_attemptsLock) return _attempts.Count(IsLong);
    }

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
            // Read before the breaker: what is reconsidered in between ends the very pause.
            var reconsidered = Volatile.Read(ref _reconsidered).Task;
            if (breaker.RetryAt - time.GetUtcNow() is var backoff && backoff > TimeSpan.Zero) await PauseAsync(backoff, reconsidered);
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
            await PauseAsync(wait, null);
        }
        finally
        {
            breaker.HeldBack = null;
        }
    }

    /// <summary>In whole milliseconds, rounded up: a timer cuts off the rest, and whoever then looks again would find that it is still too early.</summary>
    private async Task PauseAsync(TimeSpan wait, Task? until)
    {
        var whole = TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds));
        if (until is null) await Task.Delay(whole, time, _closing.Token);
        else await until.WaitAsync(whole, time, _closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _closing.Token.ThrowIfCancellationRequested();
    }

    private async Task OpenAsync()
    {
        await Task.Yield();
        await using var attempt = new Attempt(time.GetTimestamp(), _closing.Token);
        lock (_attemptsLock) _attempts.Add(attempt);
        var started = time.GetUtcNow();
        var reconsidered = Volatile.Read(ref _reconsidered);
        try
        {
            if (await openOne(attempt.Token)) breaker.RecordSuccess();
        }
        catch (Exception) when (attempt.IsGivenUp)
        {
            timeline.Add("handshake given up", $"after {time.GetElapsedTime(attempt.Since).TotalSeconds:0.#} s, as an operator asked");
        }
        catch (UpstreamException exception)
        {
            Fail(exception, started, reconsidered);
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested)
        {
            // The upstream is going away, and the half-open session with it.
        }
        catch (Exception exception)
        {
            logger.OpenerFailed(upstream, exception);
            Fail(new UpstreamException(FailureKind.NotMcp, exception.Message, exception), started, reconsidered);
        }
        finally
        {
            lock (_attemptsLock)
            {
                _attempts.Remove(attempt);
                if (!attempt.IsGivenUp) _hastened = false;
            }

            Interlocked.Decrement(ref _opening);
            Request();
        }
    }

    private bool IsLong(Attempt attempt) => time.GetElapsedTime(attempt.Since) > Long;

    private void Fail(UpstreamException exception, DateTimeOffset started, TaskCompletionSource reconsidered)
    {
        var delay = BackOff(exception, started, reconsidered);
        timeline.Add("open failed", exception.Message);
        meter.OpenFailed(exception.Kind);
        logger.OpenFailed(upstream, exception.Kind, exception.Message, delay.TotalSeconds);
        onFailure();
    }

    private TimeSpan BackOff(UpstreamException exception, DateTimeOffset started, TaskCompletionSource reconsidered)
    {
        lock (_backoffLock)
        {
            // Handshakes that fail side by side have met the same trouble: one failure, not three in a row.
            var counted = breaker.LastFailure is not null && breaker.LastFailureAt >= started && exception.Kind is not (FailureKind.Unauthorized or FailureKind.Throttled);
            var delay = counted ? breaker.RetryAt - time.GetUtcNow() : breaker.RecordFailure(exception);
            // What refused this one may have gone since it was asked for, and nobody would say so again.
            return reconsidered != _reconsidered && breaker.Reconsider() ? TimeSpan.Zero : delay;
        }
    }

    /// <summary>A handshake under way. Its owner disposes it after it has been taken out, so that nobody gives up one that has ended.</summary>
    private sealed class Attempt(long since, CancellationToken closing) : IAsyncDisposable
    {
        private readonly CancellationTokenSource _end = CancellationTokenSource.CreateLinkedTokenSource(closing);
        private Task? _giving;

        public long Since => since;

        public bool IsGivenUp { get; private set; }

        public CancellationToken Token => _end.Token;

        /// <summary>What hangs on the token runs elsewhere: whoever calls holds a lock.</summary>
        public void GiveUp()
        {
            IsGivenUp = true;
            _giving ??= _end.CancelAsync();
        }

        public async ValueTask DisposeAsync()
        {
            if (_giving is not null) await _giving;
            _end.Dispose();
        }
    }
}
