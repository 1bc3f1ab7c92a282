using System.Text.Json;
using Agents.Runs;
using Agents.Worker.Agents;
using Agents.Worker.Models;
using Agents.Worker.Runs;
using Microsoft.Extensions.AI;

namespace Agents.Worker.Loop;

/// <summary>One agent's part of one run: what it is to do and how far it is.</summary>
internal sealed class AgentTask(RunWork work, AgentDefinition agent, AgentProgress progress, int maxResultBytes, ModelPrice? price)
{
    /// <summary>The calls another worker began and never ended; null when this worker is the agent's first.</summary>
    public IReadOnlyList<ToolCallRecord>? UnderWay { get; init; }

    /// <summary>Whether another worker began this agent.</summary>
    public bool IsContinued => UnderWay is not null;

    public AgentRun Run => work.Run;

    public AgentDefinition Agent => agent;

    public AgentProgress Progress => progress;

    /// <summary>Bytes of a tool result the model reads.</summary>
    public int MaxResultBytes => maxResultBytes;

    /// <summary>The messages the conversation opens with.</summary>
    public IReadOnlyList<ChatMessage> Opening { get; } = AgentPrompt.Of(agent, work.Run, work.Earlier);

    /// <summary>What a client that is no language model needs to know; others ignore it.</summary>
    public AdditionalPropertiesDictionary Hints { get; } = ModelHints.Of(agent.Name, work.Run.Repository, work.Run.Query, agent.Output?.Field);

    /// <summary>Whether a call may have been under way when the worker before was lost.</summary>
    public bool WasUnderWay(ToolRequest call) =>
        UnderWay?.Any(record => record.Tool == call.Tool && JsonElement.DeepEquals(record.Arguments, call.Arguments)) is true;

    /// <summary>What was consumed so far. Without a price, or without the tokens it is for, the cost is unknown.</summary>
    public RunUsage Usage => new(progress.InputTokens, progress.OutputTokens, progress.Budget.ToolCalls - Denied, price?.Of(progress.InputTokens, progress.OutputTokens));

    // They take their place in the budget, or a model could ask for ever; but nothing was called.
    private int Denied => progress.Calls.Count(call => call is { ApprovalId: not null, Dispatched: false });
}
