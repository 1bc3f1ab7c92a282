namespace Agents.Runs;

/// <summary>
/// The runs, their tool calls and checkpoints. A method that takes a lease is fenced: it refuses to write for a worker whose
/// attempt is not the run's current one. Every change of state and the event that tells of it are one write.
/// </summary>
public interface IRunStore
{
    /// <summary>Stores a new run, queued, with its first event.</summary>
    Task CreateAsync(AgentRun run, CancellationToken cancellationToken);

    /// <summary>
    /// Stores a new run unless its key was used before, however many ask at once. A key is remembered for
    /// <see cref="RunStorageOptions.SubmissionKeys"/> and goes with its run when that is deleted.
    /// </summary>
    Task<Submission> CreateOnceAsync(AgentRun run, SubmissionKey key, CancellationToken cancellationToken);

    /// <summary>What a key was used for before: the run it made, or another request. Null when it is free.</summary>
    Task<Submission?> FindSubmissionAsync(SubmissionKey key, CancellationToken cancellationToken);

    /// <summary>The run; null if there is none of that id.</summary>
    Task<AgentRun?> GetAsync(string runId, CancellationToken cancellationToken);

    /// <summary>A page of runs, newest first.</summary>
    /// <exception cref="FormatException"><see cref="RunFilter.Cursor"/> is not one of ours.</exception>
    Task<RunPage> ListAsync(RunFilter filter, CancellationToken cancellationToken);

    /// <summary>The last ended runs of one caller's conversation with their results, oldest first, at most <paramref name="limit"/> (1 to <see cref="RunFilter.MaxLimit"/>).</summary>
    Task<IReadOnlyList<AgentRun>> ReadConversationAsync(string? owner, string conversationId, int limit, CancellationToken cancellationToken);

    /// <summary>
    /// Asks for the end of a run. One that is queued or waits for approval is cancelled at once; a running one when its worker heeds
    /// <see cref="LeaseSignal.CancelRequested"/>, at the latest when its lease expires. An ended one stays as it is.
    /// </summary>
    /// <returns>The run after the request; null if there is none of that id.</returns>
    Task<AgentRun?> RequestCancelAsync(string runId, CancellationToken cancellationToken);

    /// <summary>Deletes an ended run with all that belongs to it.</summary>
    Task<RunDeletion> DeleteAsync(string runId, CancellationToken cancellationToken);

    /// <summary>Deletes every run that ended longer ago than <see cref="RunStorageOptions.Retention"/>.</summary>
    /// <returns>How many runs were deleted.</returns>
    Task<int> PruneAsync(CancellationToken cancellationToken);

    /// <summary>Stores what a worker has to say, all or none.</summary>
    /// <exception cref="LeaseLostException">The lease no longer holds; nothing was written.</exception>
    Task SaveAsync(RunLease lease, RunChange change, CancellationToken cancellationToken);

    /// <summary>Stores a tool call before its dispatch and announces it as <see cref="RunEventTypes.ToolCall"/>.</summary>
    /// <returns>The call's number.</returns>
    /// <exception cref="LeaseLostException">The lease no longer holds: do not dispatch.</exception>
    Task<int> BeginToolCallAsync(RunLease lease, ToolCallStart call, CancellationToken cancellationToken);

    /// <summary>Asks for consent to tool calls; each is announced as <see cref="RunEventTypes.Approval"/>. What was asked for before is left as it is.</summary>
    /// <returns>All requests of the run as they are now.</returns>
    /// <exception cref="LeaseLostException">The lease no longer holds; nothing was written.</exception>
    Task<IReadOnlyList<RunApproval>> RequestApprovalsAsync(RunLease lease, IReadOnlyList<ApprovalRequest> requests, CancellationToken cancellationToken);

    /// <summary>Decides about a tool call, once: whoever comes second changes nothing. A run that waits for it is queued again.</summary>
    Task<ApprovalAnswer> DecideApprovalAsync(string runId, string approvalId, ApprovalDecision decision, CancellationToken cancellationToken);

    /// <summary>Ends a run: agents that have not ended become cancelled or failed with it, the checkpoints go, <see cref="RunEventTypes.RunEnd"/> is the last event.</summary>
    /// <param name="lease">The lease, which ends too.</param>
    /// <param name="state">A final state; usually <see cref="RunStates.Conclude"/>.</param>
    /// <param name="error">Why the run failed; null otherwise.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="LeaseLostException">The lease no longer holds; nothing was written.</exception>
    Task EndAsync(RunLease lease, RunState state, string? error, CancellationToken cancellationToken);

    /// <summary>The last checkpoint of each agent that saved one in this run.</summary>
    Task<IReadOnlyList<AgentCheckpoint>> GetCheckpointsAsync(string runId, CancellationToken cancellationToken);

    /// <summary>All tool calls of a run in their order.</summary>
    Task<IReadOnlyList<ToolCallRecord>> ListToolCallsAsync(string runId, CancellationToken cancellationToken);

    /// <summary>One tool call with its whole result; null if there is none of that number.</summary>
    Task<ToolCallRecord?> GetToolCallAsync(string runId, int number, CancellationToken cancellationToken);
}
