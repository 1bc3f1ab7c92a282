using System.Text.Json;
using Agents.Runs;
using Agents.Worker.Models;
using Agents.Worker.Tools;
using Microsoft.Extensions.AI;

namespace Agents.Worker.Loop;

/// <summary>Decides, before anything is dispatched, which of a turn's calls may run. Those that may not get their result at once.</summary>
internal static class ToolRequests
{
    public static List<ToolRequest> Of(ModelTurn turn, AgentTools tools, ToolBudget budget)
    {
        var deepest = budget.TryDeepen();
        return [.. turn.Calls.Select(call => Of(call, tools, budget, deepest))];
    }

    private static ToolRequest Of(FunctionCallContent call, AgentTools tools, ToolBudget budget, StopReason? deepest)
    {
        // First of all: a model that calls only what cannot be called must come to an end too.
        if (deepest is { } depth) return Refuse(call, Sentence(depth, call.Name), depth);
        if (call.Exception is { } malformed) return Refuse(call, malformed.Message, null);
        if (tools.Unavailable is null && tools.Available.All(tool => tool.Name != call.Name))
            return Refuse(call, $"There is no tool '{call.Name}'. You have: {string.Join(", ", tools.Available.Select(tool => tool.Name))}.", null);
        if (budget.TryTake(call.Name) is { } limit) return Refuse(call, Sentence(limit, call.Name), limit);
        return new ToolRequest { Id = call.CallId, Tool = call.Name, Arguments = Arguments(call) };
    }

    private static ToolRequest Refuse(FunctionCallContent call, string result, StopReason? limit) => new()
    {
        Id = call.CallId,
        Tool = call.Name,
        Arguments = Arguments(call),
        Result = result,
        IsError = true,
        Dispatched = false,
        Limit = limit,
    };

    private static string Sentence(StopReason limit, string tool) => limit switch
    {
        StopReason.BudgetTool => $"Budget reached: no further call of tools like {tool}. Use other tools or answer.",
        StopReason.BudgetDepth => "Budget reached: no further round of tool calls. Answer with what you have.",
        _ => "Budget reached: no further tool calls. Answer with what you have.",
    };

    private static JsonElement Arguments(FunctionCallContent call) =>
        JsonSerializer.SerializeToElement(call.Arguments ?? new Dictionary<string, object?>(), AIJsonUtilities.DefaultOptions);
}
