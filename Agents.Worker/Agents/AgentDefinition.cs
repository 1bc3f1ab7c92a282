using Agents.Runs;

namespace Agents.Worker.Agents;

/// <summary>An agent: what it is told, what it may use, what it gives back. Read from a file of the folder <c>Agents</c>.</summary>
internal sealed record AgentDefinition
{
    public required string Name { get; init; }

    public required string Description { get; init; }

    /// <summary>Tools it may use, as globs over the gateway's names, such as <c>repository__*</c>.</summary>
    public required IReadOnlyList<string> Tools { get; init; }

    /// <summary>What the system message begins with.</summary>
    public required string Prompt { get; init; }

    /// <summary>Limits of this agent that are lower than the run's; each absent one is the run's.</summary>
    public AgentBudget Budget { get; init; } = new();

    /// <summary>The result beside the text; null for an agent that only writes.</summary>
    public AgentOutput? Output { get; init; }
}

/// <summary>An agent's own ceilings under the budget of the run.</summary>
internal sealed record AgentBudget
{
    public int? MaxToolCalls { get; init; }
    public int? MaxDepth { get; init; }
    public int? TimeBudgetS { get; init; }
    public int? MaxInputTokens { get; init; }
    public int? MaxOutputTokens { get; init; }

    /// <summary>The lower of both for each limit.</summary>
    public RunBudget Under(RunBudget run) => run with
    {
        MaxToolCalls = Math.Min(run.MaxToolCalls, MaxToolCalls ?? int.MaxValue),
        MaxDepth = Math.Min(run.MaxDepth, MaxDepth ?? int.MaxValue),
        TimeBudgetS = Math.Min(run.TimeBudgetS, TimeBudgetS ?? int.MaxValue),
        MaxInputTokens = Math.Min(run.MaxInputTokens, MaxInputTokens ?? int.MaxValue),
        MaxOutputTokens = Math.Min(run.MaxOutputTokens, MaxOutputTokens ?? int.MaxValue),
    };
}

/// <summary>One field of the result beside the text.</summary>
/// <param name="Field">As the API names it.</param>
/// <param name="Type">Text, or a list of texts.</param>
/// <param name="Description">What belongs in it, told to the model.</param>
internal sealed record AgentOutput(string Field, OutputType Type, string Description);

/// <summary>The shape of an output field.</summary>
internal enum OutputType
{
    Text,
    List,
}
