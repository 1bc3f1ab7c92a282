namespace Agents.Runs;

/// <summary>The limits of each agent of a run. Each is counted before the call that would pass it.</summary>
public sealed record RunBudget
{
    /// <summary>Tool calls of all kinds, 1 to 50; at least <see cref="MaxDepth"/>.</summary>
    public int MaxToolCalls { get; init; } = 10;

    /// <summary>Turns with tool calls that may follow one another, 1 to 10.</summary>
    public int MaxDepth { get; init; } = 3;

    /// <summary>Seconds from the agent's begin, 1 to 600.</summary>
    public int TimeBudgetS { get; init; } = 120;

    /// <summary>Tokens sent to the model over all turns, 1 to 10 000 000.</summary>
    public int MaxInputTokens { get; init; } = 50_000;

    /// <summary>Tokens the model writes over all turns, 1 to 1 000 000.</summary>
    public int MaxOutputTokens { get; init; } = 20_000;

    /// <summary>Calls of search tools, 1 to 50.</summary>
    public int MaxSearchCalls { get; init; } = 5;

    /// <summary>Calls of question-answering tools, 1 to 50.</summary>
    public int MaxQaCalls { get; init; } = 3;

    /// <summary>Calls of entity tools, 1 to 50.</summary>
    public int MaxEntityCalls { get; init; } = 4;

    /// <summary>Everything wrong with these limits; empty when they hold.</summary>
    public IEnumerable<FieldError> Validate()
    {
        (string Field, int Value, int Max)[] limits =
        [
            ("max_tool_calls", MaxToolCalls, 50),
            ("max_depth", MaxDepth, 10),
            ("time_budget_s", TimeBudgetS, 600),
            ("max_input_tokens", MaxInputTokens, 10_000_000),
            ("max_output_tokens", MaxOutputTokens, 1_000_000),
            ("max_search_calls", MaxSearchCalls, 50),
            ("max_qa_calls", MaxQaCalls, 50),
            ("max_entity_calls", MaxEntityCalls, 50),
        ];

        foreach (var (field, value, max) in limits)
        {
            if (value < 1 || value > max)
                yield return new($"budget.{field}", $"{value} is outside 1 to {max}.");
        }

        if (MaxToolCalls < MaxDepth)
            yield return new("budget.max_tool_calls", $"{MaxToolCalls} is less than max_depth ({MaxDepth}); raise max_tool_calls or lower max_depth.");
    }
}
