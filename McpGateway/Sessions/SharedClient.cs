namespace McpGateway.Sessions;

/// <summary>
/// For an upstream that keeps no session: nothing to pool, every call goes out on the same link at once. The link is replaced
/// when it stops answering as it did, which is when the upstream has become something else.
/// </summary>
internal sealed class SharedClient(PoolOptions options, Breaker breaker, Action request, PoolMeter meter, TimeProvider time) : UpstreamSessions(meter)
{
    private readonly Lock _lock = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private UpstreamSession? _session;
    private int _waiting;
    private volatile bool _closed;
    private volatile bool _drained;

    public override PoolCounts Counts => _session is { } session ? new(session.Leases == 0 ? 1 : 0, session.Leases, 0, 0, _waiting, 1) : new(0, 0, 0, 0, _waiting, 0);

    public override int Need => !_closed && _session is null ? 1 : 0;

    public override ValueTask<SessionLease> LeaseAsync(SessionKey key, CancellationToken cancellationToken) =>
        !_drained && _session is { } session && session.TryShare()
            ? ValueTask.FromResult(Lease(session))
            : WaitAsync(cancellationToken);

    /// <summary>Nobody asks who holds what is shared by all.</summary>
    private SessionLease Lease(UpstreamSession session) => new(this, session.RentSlot(null, Meter.MeasuresUse ? time.GetTimestamp() : LeaseSlot.Untimed));

    public override ValueTask ReleaseAsync(SessionKey key) => ValueTask.CompletedTask;

    public override void Add(UpstreamSession session)
    {
        lock (_lock) _session = session;
        WakeWaiters();
    }

    public override void WakeWaiters()
    {
        TaskCompletionSource changed;
        lock (_lock) (changed, _changed) = (_changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        changed.TrySetResult();
    }

    public override async ValueTask ReturnAsync(UpstreamSession session)
    {
        if (session.Release(time.GetTimestamp()) == SessionState.Broken) await CloseAsync(session);
    }

    public override void Warm(int count)
    {
        _drained = false;
        WakeWaiters();
    }

    /// <summary>There is no state to be rid of, but a new look at the upstream is what was asked for.</summary>
    public override void Clear() => _ = CloseNowAsync(CloseReason.Cleared);

    public override void Drain() => _drained = true;

    public override Task SweepAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>There is no session to leave.</summary>
    public override Task ParkAsync(DateTimeOffset until) => Task.CompletedTask;

    public override async ValueTask DisposeAsync()
    {
        _closed = true;
        WakeWaiters();
        await CloseNowAsync(CloseReason.Shutdown);
    }

    private async Task CloseNowAsync(CloseReason reason)
    {
        if (_session is not { } session) return;
        session.Break(reason);
        await CloseAsync(session);
    }

    private async ValueTask CloseAsync(UpstreamSession session)
    {
        lock (_lock)
        {
            // From the first break on nobody gets it; whoever returns it last closes it.
            if (_session == session) _session = null;
        }

        if (session.TryClose()) await session.Link.DisposeAsync();
        request();
    }

    private async ValueTask<SessionLease> WaitAsync(CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _waiting);
        using var deadline = new CancellationTokenSource(options.AcquireTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            while (true)
            {
                Task changed;
                lock (_lock) changed = _changed.Task;
                if (_drained) throw new UpstreamException(FailureKind.Throttled, "It was drained by an operator, who takes it back with POST /upstreams/{name}/warm.", retryAfter: TimeSpan.FromSeconds(30));
                if (_session is { } session && session.TryShare()) return Lease(session);
                if (_closed) throw new UpstreamException(FailureKind.Unreachable, "It was closed or changed. Try again.", retryAfter: TimeSpan.FromSeconds(1));
                breaker.ThrowIfOpen();
                request();
                await changed.WaitAsync(either.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new UpstreamException(FailureKind.Unreachable, $"The upstream did not open within {options.AcquireTimeout.TotalSeconds:0.#} s.", breaker.LastFailure, TimeSpan.FromSeconds(1));
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }
}
