using System.Text.Json;

namespace Agents.Runs;

/// <summary>What a worker writes at one point of a run. All of it is stored, or none.</summary>
public sealed record RunChange
{
    /// <summary>An agent's new standing; announced as <see cref="RunEventTypes.AgentState"/> when its state changed.</summary>
    public AgentExecution? Agent { get; init; }

    /// <summary>The point an agent continues from on another worker; replaces that agent's last one.</summary>
    public AgentCheckpoint? Checkpoint { get; init; }

    /// <summary>Tool calls that ended; each is announced as <see cref="RunEventTypes.ToolResult"/>.</summary>
    public IReadOnlyList<ToolCallEnd> ToolCalls { get; init; } = [];

    /// <summary>Further events, after those that announce the rest.</summary>
    public IReadOnlyList<RunEventDraft> Events { get; init; } = [];
}

/// <summary>The point an agent continues from. What is in it is the worker's affair.</summary>
/// <param name="Agent">The agent's name.</param>
/// <param name="State">Any JSON.</param>
public sealed record AgentCheckpoint(string Agent, JsonElement State);
