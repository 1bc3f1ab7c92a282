using System.Text.Json;
using System.Text.Json.Serialization;

namespace Agents.Runs;

/// <summary>What an agent answered.</summary>
public sealed record AgentResult
{
    /// <summary>The agent's name.</summary>
    public required string AgentType { get; init; }

    /// <summary>The answer, as Markdown.</summary>
    public required string Content { get; init; }

    /// <summary>Facts about the answer, such as model and mode.</summary>
    public IReadOnlyDictionary<string, JsonElement> Metadata { get; init; } = new Dictionary<string, JsonElement>();

    /// <summary>How sure the model said it is, 0 to 1; null where nobody can say.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public double? Confidence { get; init; }

    /// <summary>Where the findings come from, as <c>file:line</c> of the repository.</summary>
    public IReadOnlyList<string> Sources { get; init; } = [];

    /// <summary>A Markdown table of suggestions (simplifier).</summary>
    public string? SuggestionsTable { get; init; }

    /// <summary>The test files the agent proposes (tester).</summary>
    public IReadOnlyList<string>? TestFilesCreated { get; init; }

    /// <summary>What to do or ask next (convo_starter).</summary>
    public IReadOnlyList<string>? NextActions { get; init; }

    /// <summary>The answer in a few sentences (summarizer).</summary>
    public string? CondensedSummary { get; init; }
}
