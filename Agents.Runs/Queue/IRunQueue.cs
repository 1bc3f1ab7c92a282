namespace Agents.Runs;

/// <summary>
/// Hands runs to workers at least once: those that a worker had before, then the oldest. The run record is the truth and the queue a hint:
/// a run that is stored as queued is handed out even if its <see cref="EnqueueAsync"/> never happened.
/// </summary>
public interface IRunQueue
{
    /// <summary>Wakes a worker for a run that was stored with <see cref="IRunStore.CreateAsync"/>.</summary>
    Task EnqueueAsync(string runId, CancellationToken cancellationToken);

    /// <summary>How many runs wait for a worker. Exact in SQLite; in Redis off by those that are submitted or taken at this moment.</summary>
    Task<long> CountAsync(CancellationToken cancellationToken);

    /// <summary>Takes the oldest queued run, which becomes running; waits until there is one.</summary>
    Task<RunLease> ClaimAsync(string workerId, CancellationToken cancellationToken);

    /// <summary>Takes the oldest queued run, which becomes running; null if there is none now.</summary>
    Task<RunLease?> TryClaimAsync(string workerId, CancellationToken cancellationToken);

    /// <summary>Prolongs a lease to <see cref="RunQueueOptions.Lease"/> from now. Call every <see cref="RunQueueOptions.Heartbeat"/>.</summary>
    /// <exception cref="LeaseLostException">The lease no longer holds.</exception>
    Task<RunLease> RenewAsync(RunLease lease, CancellationToken cancellationToken);

    /// <summary>Completes when the work must stop: within a second of a cancel request or of the loss of the lease, whichever process caused it.</summary>
    Task<LeaseSignal> WatchAsync(RunLease lease, CancellationToken cancellationToken);

    /// <summary>Gives a run back that another worker shall continue (drain). Costs no attempt.</summary>
    /// <exception cref="LeaseLostException">The lease no longer holds.</exception>
    Task HandBackAsync(RunLease lease, CancellationToken cancellationToken);

    /// <summary>
    /// Gives a run back whose agents can do nothing before these requests for consent are decided. It waits without a worker, or is queued again
    /// when one of them was decided meanwhile. Costs no attempt.
    /// </summary>
    /// <exception cref="LeaseLostException">The lease no longer holds.</exception>
    Task ParkAsync(RunLease lease, IReadOnlyList<string> approvals, CancellationToken cancellationToken);

    /// <summary>Gives up an attempt that went wrong; the run is queued again, or fails after <see cref="RunQueueOptions.MaxAttempts"/>.</summary>
    /// <param name="lease">The lease to give up.</param>
    /// <param name="reason">What went wrong, for the person who reads the run.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="LeaseLostException">The lease no longer holds.</exception>
    Task AbandonAsync(RunLease lease, string reason, CancellationToken cancellationToken);

    /// <summary>Takes every expired lease away: the attempt is lost, and the run queued again, failed or, if so requested, cancelled.</summary>
    /// <returns>How many leases were taken away.</returns>
    Task<int> ReapAsync(CancellationToken cancellationToken);
}
