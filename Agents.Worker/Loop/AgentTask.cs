using System.Text.Json;
using Agents.Runs;
using Agents.Worker.Agents;
using Agents.Worker.Models;
using Microsoft.Extensions.AI;

namespace Agents.Worker.Loop;

/// <summary>One agent's part of one run: what it is to do and how far it is.</summary>
internal sealed class AgentTask(AgentRun run, AgentDefinition agent, AgentProgress progress, int maxResultBytes, bool isFree)
{
    /// <summary>The calls another worker began and never ended; null when this worker is the agent's first.</summary>
    public IReadOnlyList<ToolCallRecord>? UnderWay { get; init; }

    /// <summary>Whether another worker began this agent.</summary>
    public bool IsContinued => UnderWay is not null;

    public AgentRun Run => run;

    public AgentDefinition Agent => agent;

    public AgentProgress Progress => progress;

    /// <summary>Bytes of a tool result the model reads.</summary>
    public int MaxResultBytes => maxResultBytes;

    /// <summary>The messages the conversation opens with.</summary>
    public IReadOnlyList<ChatMessage> Opening { get; } = AgentPrompt.Of(agent, run);

    /// <summary>What a client that is no language model needs to know; others ignore it.</summary>
    public AdditionalPropertiesDictionary Hints { get; } = ModelHints.Of(agent.Name, run.Repository, run.Query, agent.Output?.Field);

    /// <summary>Whether a call may have been under way when the worker before was lost.</summary>
    public bool WasUnderWay(ToolRequest call) =>
        UnderWay?.Any(record => record.Tool == call.Tool && JsonElement.DeepEquals(record.Arguments, call.Arguments)) is true;

    /// <summary>What was consumed so far. The price is known only where it is nothing.</summary>
    public RunUsage Usage => new(progress.InputTokens, progress.OutputTokens, progress.Budget.ToolCalls, isFree ? 0m : null);
}
