using Microsoft.Extensions.Options;

namespace Agents.Runs;

/// <summary>
/// The queue in agents.db. It has no entries of its own: a run that is stored as queued is in the queue, so the two can never differ.
/// </summary>
internal sealed class SqliteRunQueue(SqliteDatabase database, IOptions<RunQueueOptions> options, TimeProvider time) : IRunQueue
{
    private readonly RunQueueOptions _options = options.Value;

    public Task EnqueueAsync(string runId, CancellationToken cancellationToken)
    {
        database.Changes.Raise(ChangeSignals.Queue);
        return Task.CompletedTask;
    }

    public Task<long> CountAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(database.Read(connection => connection.Number("SELECT count(*) FROM runs WHERE state = 'queued'")));
    }

    public async Task<RunLease> ClaimAsync(string workerId, CancellationToken cancellationToken)
    {
        using var queued = database.Changes.Subscribe(ChangeSignals.Queue);
        while (true)
        {
            if (await TryClaimAsync(workerId, cancellationToken).ConfigureAwait(false) is { } lease)
                return lease;
            await queued.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public async Task<RunLease?> TryClaimAsync(string workerId, CancellationToken cancellationToken)
    {
        // Idle workers look without asking for the writer's place.
        if (database.Read(SqliteRows.OldestQueued) is null)
            return null;

        return await database.WriteAsync(write => Claim(write, workerId), cancellationToken).ConfigureAwait(false);
    }

    public Task<RunLease> RenewAsync(RunLease lease, CancellationToken cancellationToken) => database.WriteAsync(write =>
    {
        Fence(write, lease);
        var renewed = lease with { ExpiresAt = time.GetUtcNow() + _options.Lease };
        write.Connection.Execute("UPDATE runs SET lease_expires = $expires WHERE id = $id", ("$expires", renewed.ExpiresAt), ("$id", lease.RunId));
        return renewed;
    }, cancellationToken);

    public async Task<LeaseSignal> WatchAsync(RunLease lease, CancellationToken cancellationToken)
    {
        using var changes = database.Changes.Subscribe(lease.RunId);
        while (true)
        {
            var run = database.Read(connection => SqliteRows.Standing(connection, lease.RunId));
            if (run is null || !run.Holds(lease))
                return LeaseSignal.Lost;
            if (run.CancelRequested)
                return LeaseSignal.CancelRequested;
            await changes.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public Task HandBackAsync(RunLease lease, CancellationToken cancellationToken) =>
        ChangeAsync(lease, (run, agents, now) => RunTransitions.Requeue(run, agents, $"handed back by worker {lease.WorkerId}", now), cancellationToken);

    public Task ParkAsync(RunLease lease, IReadOnlyList<string> approvals, CancellationToken cancellationToken) =>
        ChangeAsync(lease, (run, agents, now) => ApprovalTransitions.Park(run, agents, approvals, now), cancellationToken);

    public Task AbandonAsync(RunLease lease, string reason, CancellationToken cancellationToken) =>
        ChangeAsync(lease, (run, agents, now) => RunTransitions.LoseAttempt(run, agents, reason, _options.MaxAttempts, now), cancellationToken);

    public Task<int> ReapAsync(CancellationToken cancellationToken) => database.WriteAsync(write =>
    {
        var now = time.GetUtcNow();
        var expired = SqliteRows.Expired(write.Connection, now);
        foreach (var run in expired)
            write.Apply(RunTransitions.Expire(run, Agents(write, run.Id), _options.MaxAttempts, now), now);
        return expired.Count;
    }, cancellationToken);

    private RunLease? Claim(SqliteWrite write, string workerId)
    {
        if (SqliteRows.OldestQueued(write.Connection) is not { } queued)
            return null;
        var now = time.GetUtcNow();
        var step = RunTransitions.Claim(queued, workerId, now + _options.Lease, now);
        write.Apply(step, now);
        return new RunLease(queued.Id, workerId, step.Run.Attempt, now + _options.Lease);
    }

    private Task<bool> ChangeAsync(
        RunLease lease, Func<RunStanding, IReadOnlyList<AgentExecution>, DateTimeOffset, RunStep> step, CancellationToken cancellationToken) => database.WriteAsync(write =>
    {
        var now = time.GetUtcNow();
        write.Apply(step(Fence(write, lease), Agents(write, lease.RunId), now), now);
        return true;
    }, cancellationToken);

    private static RunStanding Fence(SqliteWrite write, RunLease lease) => RunStanding.Fence(SqliteRows.Standing(write.Connection, lease.RunId), lease);

    private static List<AgentExecution> Agents(SqliteWrite write, string runId) => SqliteRows.Agents(write.Connection, runId, results: true);
}
