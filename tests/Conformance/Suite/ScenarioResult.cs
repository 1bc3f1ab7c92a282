namespace Conformance.Suite;

/// <summary>How a scenario ended.</summary>
/// <param name="Name">The scenario.</param>
/// <param name="Faults">What failed, or was warned of, each as <c>check: why</c>; none when it passed.</param>
internal sealed record ScenarioResult(string Name, IReadOnlyList<string> Faults)
{
    /// <summary>Stricter than the suite, which lets warnings pass.</summary>
    public bool Passed => Faults.Count == 0;
}
