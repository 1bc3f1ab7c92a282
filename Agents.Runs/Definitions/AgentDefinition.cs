namespace Agents.Runs;

/// <summary>An agent: what it is told, what it may use, what it gives back. Written as front matter and a prompt; see <see cref="AgentDefinitionReader"/>.</summary>
public sealed record AgentDefinition
{
    /// <summary>Names the agent in requests: lower-case letters, digits and <c>_</c>, at most 64, a letter first.</summary>
    public required string Name { get; init; }

    /// <summary>What it does, in a sentence.</summary>
    public required string Description { get; init; }

    /// <summary>Tools it may use, as globs over the gateway's names, such as <c>repository__*</c>.</summary>
    public required IReadOnlyList<string> Tools { get; init; }

    /// <summary>What the system message begins with.</summary>
    public required string Prompt { get; init; }

    /// <summary>Which text this is: of a user's agent its version, of a file a digest of it.</summary>
    public required string Version { get; init; }

    /// <summary>Limits of this agent that are lower than the run's; each absent one is the run's.</summary>
    public AgentBudget Budget { get; init; } = new();

    /// <summary>The result beside the text; null for an agent that only writes.</summary>
    public AgentOutput? Output { get; init; }
}

/// <summary>An agent's own ceilings under the budget of the run.</summary>
public sealed record AgentBudget
{
    /// <summary>See <see cref="RunBudget.MaxToolCalls"/>.</summary>
    public int? MaxToolCalls { get; init; }

    /// <summary>See <see cref="RunBudget.MaxDepth"/>.</summary>
    public int? MaxDepth { get; init; }

    /// <summary>See <see cref="RunBudget.TimeBudgetS"/>.</summary>
    public int? TimeBudgetS { get; init; }

    /// <summary>See <see cref="RunBudget.MaxInputTokens"/>.</summary>
    public int? MaxInputTokens { get; init; }

    /// <summary>See <see cref="RunBudget.MaxOutputTokens"/>.</summary>
    public int? MaxOutputTokens { get; init; }

    /// <summary>The lower of both for each limit.</summary>
    public RunBudget Under(RunBudget run)
    {
        ArgumentNullException.ThrowIfNull(run);
        return run with
        {
            MaxToolCalls = Math.Min(run.MaxToolCalls, MaxToolCalls ?? int.MaxValue),
            MaxDepth = Math.Min(run.MaxDepth, MaxDepth ?? int.MaxValue),
            TimeBudgetS = Math.Min(run.TimeBudgetS, TimeBudgetS ?? int.MaxValue),
            MaxInputTokens = Math.Min(run.MaxInputTokens, MaxInputTokens ?? int.MaxValue),
            MaxOutputTokens = Math.Min(run.MaxOutputTokens, MaxOutputTokens ?? int.MaxValue),
        };
    }
}

/// <summary>One field of the result beside the text.</summary>
/// <param name="Field">As the API names it.</param>
/// <param name="Type">Text, or a list of texts.</param>
/// <param name="Description">What belongs in it, told to the model.</param>
public sealed record AgentOutput(string Field, OutputType Type, string Description);

/// <summary>The shape of an output field.</summary>
public enum OutputType
{
    /// <summary>A text that is not empty.</summary>
    Text,

    /// <summary>A list of texts, which may be empty.</summary>
    List,
}
