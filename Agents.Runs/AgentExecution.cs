namespace Agents.Runs;

/// <summary>Where one agent of a run stands. The last three states are final.</summary>
public enum AgentState
{
    /// <summary>Not begun.</summary>
    Queued,

    /// <summary>At work.</summary>
    Running,

    /// <summary>Ended with a result.</summary>
    Completed,

    /// <summary>Ended without a result; <see cref="AgentExecution.Error"/> says why.</summary>
    Failed,

    /// <summary>Ended because the run was cancelled.</summary>
    Cancelled,
}

/// <summary>One agent's part of a run.</summary>
public sealed record AgentExecution
{
    /// <summary>The agent's name, unique within the run.</summary>
    public required string Name { get; init; }

    /// <summary>The user's agent this is (<see cref="StoredAgent.Id"/>); null for one that comes with the product.</summary>
    public string? AgentId { get; init; }

    /// <summary>Which version of the agent is used: a user's agent's number, of another a digest of its definition, known once it began.</summary>
    public string? Version { get; init; }

    /// <summary>Where the agent stands.</summary>
    public AgentState State { get; init; }

    /// <summary>Why the agent stopped; null until then.</summary>
    public StopReason? StopReason { get; init; }

    /// <summary>What the agent found; null without an answer.</summary>
    public AgentResult? Result { get; init; }

    /// <summary>What the agent consumed so far, its failed calls included.</summary>
    public RunUsage Usage { get; init; } = RunUsage.Zero;

    /// <summary>Whether the agent had to work without its tools.</summary>
    public bool Degraded { get; init; }

    /// <summary>Why the agent is <see cref="Degraded"/>.</summary>
    public string? DegradedReason { get; init; }

    /// <summary>Why the agent failed, for the person who reads the run.</summary>
    public string? Error { get; init; }

    /// <summary>When the agent began.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When the agent ended.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Whether <see cref="State"/> is final.</summary>
    internal bool IsEnded => State >= AgentState.Completed;
}
