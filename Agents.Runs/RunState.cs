namespace Agents.Runs;

/// <summary>Where a run stands. The last five states are final: nothing changes a run that reached one of them.</summary>
public enum RunState
{
    /// <summary>Stored, and waiting for a worker.</summary>
    Queued,

    /// <summary>A worker holds its lease.</summary>
    Running,

    /// <summary>A tool call waits for somebody's consent.</summary>
    WaitingApproval,

    /// <summary>Every agent completed.</summary>
    Completed,

    /// <summary>At least one agent completed and at least one did not.</summary>
    CompletedPartial,

    /// <summary>No agent completed, or the run used up its attempts.</summary>
    Failed,

    /// <summary>Somebody asked for the end of the run.</summary>
    Cancelled,

    /// <summary>The run passed its time limit before any agent completed.</summary>
    TimedOut,
}

/// <summary>What follows from a <see cref="RunState"/>.</summary>
public static class RunStates
{
    /// <summary>Whether <paramref name="state"/> is final.</summary>
    public static bool IsEnded(this RunState state) => state >= RunState.Completed;

    /// <summary>The final state of a run whose agents ended as <paramref name="agents"/>.</summary>
    /// <param name="agents">The agents, each in a final state.</param>
    /// <param name="cancelled">Whether the run was cancelled; an agent that completed before keeps its result.</param>
    public static RunState Conclude(IReadOnlyList<AgentExecution> agents, bool cancelled = false)
    {
        ArgumentNullException.ThrowIfNull(agents);
        if (cancelled)
            return RunState.Cancelled;

        var completed = agents.Count(agent => agent.State == AgentState.Completed);
        if (completed == agents.Count)
            return RunState.Completed;
        if (completed > 0)
            return RunState.CompletedPartial;
        return agents.All(agent => agent.StopReason == StopReason.BudgetTime) ? RunState.TimedOut : RunState.Failed;
    }
}
