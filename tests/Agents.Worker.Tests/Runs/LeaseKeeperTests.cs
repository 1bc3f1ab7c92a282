using Agents.Runs;
using Agents.Worker.Runs;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Agents.Worker.Tests.Runs;

public sealed class LeaseKeeperTests
{
    private readonly ManualTimeProvider _time = new();

    [Fact]
    public async Task Lease_IsOverAtItsEnd_WhenTheStoreDoesNotAnswer()
    {
        await using var keeper = Keep(new Queue(_ => new TaskCompletionSource<RunLease>().Task));
        await Eventually.HoldsAsync(() => _time.PendingTimers == 2);

        _time.Advance(TimeSpan.FromSeconds(29));
        keeper.ThrowIfOver();
        keeper.Stopped.IsCancellationRequested.ShouldBeFalse();
        _time.Advance(TimeSpan.FromSeconds(1));

        Should.Throw<LeaseLostException>(keeper.ThrowIfOver);
        await Eventually.HoldsAsync(() => keeper.Stopped.IsCancellationRequested);
        keeper.Signal.ShouldBe(LeaseSignal.Lost);
    }

    [Fact]
    public async Task Lease_GoesOn_AsLongAsItIsRenewed()
    {
        var renewals = 0;
        await using var keeper = Keep(new Queue(lease =>
        {
            var renewed = lease with { ExpiresAt = _time.GetUtcNow().AddSeconds(30) };
            Interlocked.Increment(ref renewals);
            return Task.FromResult(renewed);
        }));
        await Eventually.HoldsAsync(() => _time.PendingTimers == 2);

        for (var beat = 1; beat <= 9; beat++)
        {
            _time.Advance(TimeSpan.FromSeconds(10));
            await Eventually.HoldsAsync(() => Volatile.Read(ref renewals) == beat);
            keeper.ThrowIfOver();
        }

        keeper.Signal.ShouldBeNull();
    }

    [Fact]
    public async Task Lease_IsLost_AsSoonAsARenewalIsRefused()
    {
        await using var keeper = Keep(new Queue(lease => throw new LeaseLostException(lease)));
        await Eventually.HoldsAsync(() => _time.PendingTimers == 2);

        _time.Advance(TimeSpan.FromSeconds(10));

        await Eventually.HoldsAsync(() => keeper.Stopped.IsCancellationRequested);
        Should.Throw<LeaseLostException>(keeper.ThrowIfOver);
    }

    private LeaseKeeper Keep(IRunQueue queue) =>
        new(queue, new RunLease("run_1", "w", 1, _time.GetUtcNow().AddSeconds(30)), Options.Create(new RunQueueOptions()), _time, NullLogger.Instance);

    /// <summary>A queue of which only the renewal answers.</summary>
    private sealed class Queue(Func<RunLease, Task<RunLease>> renew) : IRunQueue
    {
        public Task<RunLease> RenewAsync(RunLease lease, CancellationToken cancellationToken) => renew(lease).WaitAsync(cancellationToken);

        public async Task<LeaseSignal> WatchAsync(RunLease lease, CancellationToken cancellationToken)
        {
            await new TaskCompletionSource().Task.WaitAsync(cancellationToken);
            return LeaseSignal.Lost;
        }

        public Task EnqueueAsync(string runId, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<long> CountAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<RunLease> ClaimAsync(string workerId, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<RunLease?> TryClaimAsync(string workerId, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task HandBackAsync(RunLease lease, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task ParkAsync(RunLease lease, IReadOnlyList<string> approvals, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task AbandonAsync(RunLease lease, string reason, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<int> ReapAsync(CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
