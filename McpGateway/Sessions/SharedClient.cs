namespace McpGateway.Sessions;

/// <summary>
/// For an upstream that keeps no session: nothing to pool, every call goes out on the same link at once. The link is replaced
/// when it stops answering as it did, which is when the upstream has become something else.
/// </summary>
internal sealed class SharedClient(PoolHost host) : UpstreamSessions(host.Meter)
{
    private readonly Lock _lock = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private UpstreamSession? _session;
    private int _waiting;
    private volatile bool _closed;

    public override PoolCounts Counts => _session is { } session
        ? new(session.Leases == 0 ? 1 : 0, session.Leases, 0, 0, _waiting, 1) { Parked = session.State == SessionState.Parked ? session.Leases : 0 }
        : new(0, 0, 0, 0, _waiting, 0);

    public override IEnumerable<UpstreamSession> All => _session is { } session ? [session] : [];

    public override int Need => !_closed && !host.Drain.IsOn && _session is null ? 1 : 0;

    public override ValueTask<SessionLease> LeaseAsync(SessionKey key, CancellationToken cancellationToken) =>
        _session is { } session && session.TryShare()
            ? ValueTask.FromResult(Lease(session))
            : WaitAsync(cancellationToken);

    /// <summary>Nobody asks who holds what is shared by all.</summary>
    private SessionLease Lease(UpstreamSession session) => new(this, session.RentSlot(null, Meter.MeasuresUse ? host.Time.GetTimestamp() : LeaseSlot.Untimed));

    public override ValueTask ReleaseAsync(SessionKey key) => ValueTask.CompletedTask;

    /// <summary>Without a session every request says itself who makes it: one link serves all profiles.</summary>
    public override bool KeepsWarm(SessionProfile profile) => _session is not null;

    public override void Expect(SessionProfile profile)
    {
    }

    public override SessionProfile? TryBeginOpening() => Need > 0 ? SessionProfile.Default : null;

    public override void EndOpening(SessionProfile profile)
    {
    }

    public override void Add(UpstreamSession session)
    {
        lock (_lock) _session = session;
        // Drained since the handshake began.
        if (host.Drain.IsOn) Clear(CloseReason.Drained);
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
        if (session.Release(host.Time.GetTimestamp()) == SessionState.Broken) await CloseAsync(session);
    }

    /// <summary>There is no state to be rid of, but a new look at the upstream is what was asked for.</summary>
    public override void Clear(CloseReason reason)
    {
        _ = CloseNowAsync(reason);
        WakeWaiters();
    }

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
        host.Request();
    }

    private async ValueTask<SessionLease> WaitAsync(CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _waiting);
        using var deadline = new CancellationTokenSource(host.Options.AcquireTimeout, host.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            while (true)
            {
                Task changed;
                lock (_lock) changed = _changed.Task;
                host.Drain.ThrowIfOn();
                if (_session is { } session && session.TryShare()) return Lease(session);
                if (_closed) throw new UpstreamException(FailureKind.Unreachable, $"Upstream '{host.Upstream}' was closed or changed. Try again.", retryAfter: TimeSpan.FromSeconds(1));
                host.Breaker.ThrowIfOpen();
                host.Request();
                await changed.WaitAsync(either.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new UpstreamException(FailureKind.Unreachable, $"Upstream '{host.Upstream}' did not open within {host.Options.AcquireTimeout.TotalSeconds:0.#} s.", host.Breaker.LastFailure, TimeSpan.FromSeconds(1));
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }
}
