namespace Agents.Runs;

/// <summary>A change of a run's state and all that goes with it. A store writes all of it, or nothing.</summary>
/// <param name="Run">The run after the change.</param>
/// <param name="Agents">The agents that change with it.</param>
/// <param name="Events">What tells of it, in order.</param>
internal sealed record RunStep(RunStanding Run, IReadOnlyList<AgentExecution> Agents, IReadOnlyList<RunEventDraft> Events)
{
    /// <summary>Whether the run was queued before this change too, which then leaves its place in the queue alone.</summary>
    public bool WasQueued { get; init; }

    /// <summary>Whether a worker can take the run from now on.</summary>
    public bool Queues => Run.State == RunState.Queued && !WasQueued;

    /// <summary>The message that a run with a webhook owes for this change; null when it is none that is told.</summary>
    public string? Message => WebhookDelivery.Of(Run);

    /// <summary>Whether this is the run's last change: its checkpoints go with it.</summary>
    public bool Ends => Run.State.IsEnded();
}
