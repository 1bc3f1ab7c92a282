namespace Conformance.Suite;

/// <summary>
/// What a revision asks of a server, as the suite's package has it: the scenarios that count, and those that only run and are reported, with
/// the suite's reason.
/// </summary>
internal sealed record RequirementSet(IReadOnlyList<string> Scored, IReadOnlyDictionary<string, string> Unscored)
{
    public const string Legacy = "2025-11-25";
    public const string Modern = "2026-07-28";

    public static IReadOnlyList<string> Revisions { get; } = [Legacy, Modern];

    public static RequirementSet Read(string revision) =>
        Parse(File.ReadLines(NpmPeers.FileOf(ConformanceSuite.Package, $"requirements/{revision}.yaml")));

    /// <summary>Reads the few forms these files have: lists of names under a key, and entries of <c>scenario</c>, <c>leg</c>, <c>reason</c>.</summary>
    internal static RequirementSet Parse(IEnumerable<string> lines)
    {
        var scored = new List<string>();
        var unscored = new Dictionary<string, string>();
        var (section, scenario, leg) = ("", "", "");
        foreach (var line in lines.Where(line => !line.StartsWith('#')))
        {
            if (line.EndsWith(':') && !line.StartsWith(' ')) section = line[..^1];
            else if (section == "server" && After(line, "  - ") is { } name) scored.Add(name);
            else if (section != "not_scored") continue;
            else if (After(line, "  - scenario: ") is { } entry) (scenario, leg) = (entry, "");
            else if (After(line, "    leg: ") is { } which) leg = which;
            else if (After(line, "    reason: ") is { } reason && leg == "server") unscored[scenario] = reason;
        }

        return new RequirementSet(scored, unscored);
    }

    private static string? After(string line, string start) => line.StartsWith(start, StringComparison.Ordinal) ? line[start.Length..].Trim() : null;
}
