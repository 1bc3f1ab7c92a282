namespace Agents.Runs;

/// <summary>What a client may tell the agents beyond the question. Every member is optional.</summary>
public sealed record RunInput
{
    /// <summary>Files to look at first, relative to the repository's root.</summary>
    public IReadOnlyList<string>? TargetFiles { get; init; }

    /// <summary>How deep to look, such as <c>moderate</c>; told to the model as it is.</summary>
    public string? AnalysisDepth { get; init; }

    /// <summary>Kinds of test the tester should propose, such as <c>unit</c>.</summary>
    public IReadOnlyList<string>? TestTypes { get; init; }

    /// <summary>Kind of documentation wanted, such as <c>api</c>.</summary>
    public string? DocumentationType { get; init; }
}
