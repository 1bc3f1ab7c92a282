namespace Agents.Runs;

/// <summary>Which tools the agents of a run may use. Tools are named as their server names them, such as <c>search_code</c>.</summary>
public sealed record RunTools
{
    /// <summary>Only these; null allows all.</summary>
    public IReadOnlyList<string>? Allow { get; init; }

    /// <summary>None of these, even where <see cref="Allow"/> has them.</summary>
    public IReadOnlyList<string>? Deny { get; init; }

    /// <summary>Whether an agent may call <paramref name="tool"/>.</summary>
    public bool Permits(string tool) =>
        Deny?.Contains(tool, StringComparer.Ordinal) is not true
        && Allow?.Contains(tool, StringComparer.Ordinal) is not false;
}
