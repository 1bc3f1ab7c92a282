using System.Text.Json;
using System.Text.Json.Serialization;
using Agents.Runs;

namespace Agents.Worker.Loop;

/// <summary>
/// How far an agent is: everything another worker needs to go on. It is the agent's checkpoint, saved after each model turn and each tool result.
/// Owned by the agent's loop; parallel tool calls hand their results to the loop and touch nothing here.
/// </summary>
internal sealed class AgentProgress
{
    public List<Turn> Turns { get; init; } = [];

    public BudgetUse Budget { get; set; } = new();

    /// <summary>Tokens as reported; null as soon as a provider reported none.</summary>
    public long? InputTokens { get; set; } = 0;

    public long? OutputTokens { get; set; } = 0;

    /// <summary>Seconds worked so far, on all workers; time in the queue is not the agent's.</summary>
    public double Seconds { get; set; }

    /// <summary>Why the agent had to do without its tools, wholly or for a while.</summary>
    public string? DegradedReason { get; set; }

    /// <summary>The model's answer, once it gave one: what is left to do is to check it and to write it down.</summary>
    public Final? Answer { get; set; }

    /// <summary>The calls of the last turn that still have no result.</summary>
    [JsonIgnore]
    public IReadOnlyList<ToolRequest> Open => Turns.Count == 0 ? [] : [.. Turns[^1].Calls.Where(call => call.Result is null)];

    /// <summary>Every call made, in order.</summary>
    [JsonIgnore]
    public IEnumerable<ToolRequest> Calls => Turns.SelectMany(turn => turn.Calls);

    /// <summary>Whether any finished turn had text for readers; a turn that is a result block alone has none.</summary>
    [JsonIgnore]
    public bool HasSpoken => Turns.Select(turn => turn.Text).Append(Answer?.Text ?? "").Any(text => text.Length > 0 && ResultBlock.Find(text) != 0);

    /// <summary>The answer that ended the loop.</summary>
    /// <param name="Reason">Why the loop stopped.</param>
    /// <param name="Text">As the model wrote it; null when it wrote none.</param>
    /// <param name="FinishReason">The model's own word for why its answer ended.</param>
    internal sealed record Final(StopReason Reason, string? Text, string? FinishReason);

    /// <summary>One answer of the model and what came back for it.</summary>
    internal sealed class Turn
    {
        public required string Text { get; init; }

        public List<ToolRequest> Calls { get; init; } = [];

        /// <summary>What the loop told the model after the results, such as the budget notice.</summary>
        public string? Notice { get; set; }
    }
}

/// <summary>A tool call the model asked for.</summary>
internal sealed class ToolRequest
{
    /// <summary>The model's own id of the call.</summary>
    public required string Id { get; init; }

    public required string Tool { get; init; }

    /// <summary>A JSON object.</summary>
    public required JsonElement Arguments { get; init; }

    /// <summary>What the model reads; null while the call is open. Set from the start when the call is not to be dispatched.</summary>
    public string? Result { get; set; }

    /// <summary>The structured result beside the text, for a client that is no language model.</summary>
    public JsonElement? Structured { get; set; }

    public bool IsError { get; set; }

    /// <summary>False for what was refused before dispatch: budget, unknown tool, malformed arguments, no consent.</summary>
    public bool Dispatched { get; set; } = true;

    /// <summary>The request for consent that the call waits for; null when it needs none.</summary>
    public string? ApprovalId { get; set; }

    /// <summary>The limit that refused the call; null when none did.</summary>
    public StopReason? Limit { get; init; }

    /// <summary>Whether the tool did its work.</summary>
    [JsonIgnore]
    public bool Worked => Dispatched && Result is not null && !IsError;
}
