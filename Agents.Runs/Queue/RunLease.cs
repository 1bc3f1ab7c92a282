namespace Agents.Runs;

/// <summary>A worker's right to work on a run and to write to it.</summary>
/// <param name="RunId">The run.</param>
/// <param name="WorkerId">The worker that took it.</param>
/// <param name="Attempt">
/// The fencing token: it rises with every claim, each write carries it, and a write with a lower one is refused.
/// So a worker that lost its lease unawares can do no harm.
/// </param>
/// <param name="ExpiresAt">From then on another worker may take the run, unless the lease was renewed.</param>
public sealed record RunLease(string RunId, string WorkerId, int Attempt, DateTimeOffset ExpiresAt);

/// <summary>What ends a worker's work on a run from outside.</summary>
public enum LeaseSignal
{
    /// <summary>Somebody asked for the end of the run: stop the agents, then <see cref="IRunStore.EndAsync"/> with <see cref="RunState.Cancelled"/>.</summary>
    CancelRequested,

    /// <summary>The lease no longer holds: stop, start no further call, write nothing.</summary>
    Lost,
}
