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
        database.Changes.Raise(SqliteDatabase.QueueTopic);
        return Task.CompletedTask;
    }

    public async Task<RunLease> ClaimAsync(string workerId, CancellationToken cancellationToken)
    {
        using var queued = database.Changes.Subscribe(SqliteDatabase.QueueTopic);
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
        if (database.Read(connection => connection.Number("SELECT ordinal FROM runs WHERE state = 'queued' LIMIT 1")) == 0)
            return null;

        return await database.WriteAsync(write => Claim(write, workerId), cancellationToken).ConfigureAwait(false);
    }

    public Task<RunLease> RenewAsync(RunLease lease, CancellationToken cancellationToken) => database.WriteAsync(write =>
    {
        SqliteRunHead.Fence(write.Connection, lease);
        var renewed = lease with { ExpiresAt = time.GetUtcNow() + _options.Lease };
        write.Connection.Execute("UPDATE runs SET lease_expires = $expires WHERE id = $id", ("$expires", renewed.ExpiresAt), ("$id", lease.RunId));
        return renewed;
    }, cancellationToken);

    public async Task<LeaseSignal> WatchAsync(RunLease lease, CancellationToken cancellationToken)
    {
        using var changes = database.Changes.Subscribe(lease.RunId);
        while (true)
        {
            var head = database.Read(connection => SqliteRunHead.Find(connection, lease.RunId));
            if (head is null || !head.Holds(lease))
                return LeaseSignal.Lost;
            if (head.CancelRequested)
                return LeaseSignal.CancelRequested;
            await changes.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public Task HandBackAsync(RunLease lease, CancellationToken cancellationToken) => database.WriteAsync(write =>
    {
        var head = SqliteRunHead.Fence(write.Connection, lease);
        write.Requeue(head, $"handed back by worker {lease.WorkerId}", time.GetUtcNow());
        return true;
    }, cancellationToken);

    public Task AbandonAsync(RunLease lease, string reason, CancellationToken cancellationToken) => database.WriteAsync(write =>
    {
        write.LoseAttempt(SqliteRunHead.Fence(write.Connection, lease), reason, _options.MaxAttempts, time.GetUtcNow());
        return true;
    }, cancellationToken);

    public Task<int> ReapAsync(CancellationToken cancellationToken) => database.WriteAsync(write =>
    {
        var now = time.GetUtcNow();
        var expired = SqliteRunHead.Expired(write.Connection, now);
        foreach (var head in expired)
            write.LoseAttempt(head, $"worker {head.WorkerId} stopped renewing its lease.", _options.MaxAttempts, now);
        return expired.Count;
    }, cancellationToken);

    private RunLease? Claim(SqliteWrite write, string workerId)
    {
        var now = time.GetUtcNow();
        var expires = now + _options.Lease;
        var lease = write.Connection.Query(
            """
            UPDATE runs SET state = 'running', attempt = attempt + 1, worker_id = $worker, lease_expires = $expires, started_at = coalesce(started_at, $now)
            WHERE ordinal = (SELECT ordinal FROM runs WHERE state = 'queued' ORDER BY ordinal LIMIT 1) RETURNING id, attempt
            """,
            row => new RunLease(row.GetString(0), workerId, row.GetInt32(1), expires),
            ("$worker", workerId), ("$expires", expires), ("$now", now)).SingleOrDefault();
        if (lease is not null)
            write.AnnounceState(lease.RunId, RunState.Running, lease.Attempt, now);
        return lease;
    }
}
