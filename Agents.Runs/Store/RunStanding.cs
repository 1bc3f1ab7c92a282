namespace Agents.Runs;

/// <summary>Where a run stands: all that a change of its state depends on, besides its agents. Read in, or compared by, the write that changes it.</summary>
internal sealed record RunStanding
{
    public required string Id { get; init; }

    public RunState State { get; init; }

    public int Attempt { get; init; }

    public int FailedAttempts { get; init; }

    /// <summary>Why attempts were lost, one sentence each.</summary>
    public string? Failures { get; init; }

    public bool CancelRequested { get; init; }

    /// <summary>The worker that holds the lease; null when nobody does.</summary>
    public string? WorkerId { get; init; }

    public DateTimeOffset? LeaseExpires { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    public string? Error { get; init; }

    /// <summary>The calls for which consent was asked, in the order of the asking.</summary>
    public IReadOnlyList<RunApproval> Approvals { get; init; } = [];

    /// <summary>Whether a lease is the one under which the run is worked on now.</summary>
    public bool Holds(RunLease lease) => State == RunState.Running && Attempt == lease.Attempt;

    /// <summary>Whether the worker stopped renewing its lease.</summary>
    public bool IsExpired(DateTimeOffset now) => State == RunState.Running && LeaseExpires <= now;

    /// <exception cref="LeaseLostException">The run is gone, ended, queued again or taken by another attempt.</exception>
    public static RunStanding Fence(RunStanding? run, RunLease lease) => run is not null && run.Holds(lease) ? run : throw new LeaseLostException(lease);
}
