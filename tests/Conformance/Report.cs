using System.Text;
using Conformance.Setting;
using Conformance.Suite;

namespace Conformance;

/// <summary>The measured part of <c>docs/conformance.md</c>.</summary>
internal static class Report
{
    private const string Start = "<!-- measured: written by tests/Conformance with CONFORMANCE_WRITE=1 -->";
    private const string End = "<!-- end of what is measured -->";

    private static string Document => RepositoryRoot.PathOf("docs", "conformance.md");

    private static string FaultFile => RepositoryRoot.PathOf("tests", "Conformance", "TestResults", "faults.txt");

    /// <summary>What the document holds between its marks.</summary>
    public static string Committed()
    {
        var text = File.ReadAllText(Document);
        return text[(text.IndexOf(Start, StringComparison.Ordinal) + Start.Length)..text.IndexOf(End, StringComparison.Ordinal)].Trim();
    }

    public static void Write(Results results)
    {
        var committed = Committed();
        var text = File.ReadAllText(Document);
        File.WriteAllText(Document, committed.Length > 0 ? text.Replace(committed, Of(results), StringComparison.Ordinal) : text.Replace(Start, $"{Start}\n\n{Of(results)}", StringComparison.Ordinal));
    }

    public static string Of(Results results)
    {
        var text = new StringBuilder();
        text.Append("| client | upstream | transport | through the gateway | directly | unscored, through | unscored, directly |\n");
        text.Append("| --- | --- | --- | ---: | ---: | ---: | ---: |\n");
        foreach (var cell in Cell.All) text.Append(Row(results, cell));
        if (results.Through.Keys.Any(cell => results.Failed(cell).Any())) text.Append(Gaps(results));
        text.Append(NotApplicable());
        text.Append(Unscored(results));
        return text.ToString().Trim();
    }

    /// <summary>What failed in a cell and why, for the output of the tests.</summary>
    public static string Faults(IEnumerable<ScenarioResult> failed) =>
        string.Join('\n', failed.Select(result => $"{result.Name}\n{string.Join('\n', result.Faults.Select(fault => $"    {Short(fault)}"))}"));

    /// <summary>Each fault with the cells it was seen in, for who is to mend it; written beside the tests' other results.</summary>
    public static void WriteFaults(Results results)
    {
        var seen = from cell in Cell.All
                   from result in results.Failed(cell)
                   from fault in result.Faults
                   group cell by $"{result.Name}: {Short(fault)}";
        Directory.CreateDirectory(Path.GetDirectoryName(FaultFile)!);
        File.WriteAllLines(FaultFile, seen.SelectMany(fault => fault.Distinct().Select(cell => $"    {cell}").Prepend(fault.Key)));
    }

    /// <summary>Some hold whole messages.</summary>
    private static string Short(string fault) => fault.Length <= 300 ? fault : $"{fault[..300]}…";

    private static string Row(Results results, Cell cell)
    {
        var set = RequirementSet.Read(cell.Client);
        var counted = Results.Counted(cell).ToArray();
        var direct = results.Direct.GetValueOrDefault(cell);
        return $"| {cell.Client} | {cell.Upstream} | {cell.Transport} | {Score(results.Through[cell], counted)} | {Score(direct, counted)} " +
            $"| {Score(results.Through[cell], set.Unscored.Keys)} | {Score(direct, set.Unscored.Keys)} |\n";
    }

    private static string Score(IReadOnlyDictionary<string, ScenarioResult>? results, IEnumerable<string> names) =>
        results is null ? "–" : $"{names.Count(name => results[name].Passed)}/{names.Count()}";

    private static string Gaps(Results results)
    {
        var text = new StringBuilder("\nNot passed yet (client on upstream):\n\n");
        foreach (var cell in Cell.All.Where(cell => results.Failed(cell).Any()))
            text.Append("- ").Append(cell).Append(": ").AppendJoin(", ", results.Failed(cell).Select(result => $"`{result.Name}`")).Append(".\n");
        return text.ToString();
    }

    private static string NotApplicable()
    {
        var reasons = Cell.All.SelectMany(cell => cell.NotApplicable).Distinct().GroupBy(scenario => scenario.Value, scenario => $"`{scenario.Key}`");
        return $"\nNot applicable to a {RequirementSet.Modern} client on a {RequirementSet.Legacy} upstream, and not counted there:\n\n"
            + string.Concat(reasons.Select(reason => $"- {string.Join(", ", reason)}: {reason.Key}\n"));
    }

    private static string Unscored(Results results)
    {
        var text = new StringBuilder("\nScenarios the suite runs and reports without counting them, with its reason, and where they did not pass:\n\n");
        foreach (var revision in RequirementSet.Revisions)
        {
            foreach (var (name, reason) in RequirementSet.Read(revision).Unscored)
            {
                string[] failed = [.. Cell.All.Where(cell => cell.Client == revision && !results.Through[cell][name].Passed).Select(cell => $"{cell.Upstream} over {cell.Transport}")];
                text.Append($"- {revision}, `{name}` ({reason}): {(failed.Length == 0 ? "passed everywhere" : failed.Length == UpstreamUnderTest.All.Count ? "passed nowhere" : $"not on {string.Join(", ", failed)}")}.\n");
            }
        }

        return text.ToString();
    }
}
