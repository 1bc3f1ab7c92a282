using System.Text;
using Conformance.Peers;
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

    public static void Write(Findings findings)
    {
        var text = File.ReadAllText(Document);
        var from = text.IndexOf(Start, StringComparison.Ordinal) + Start.Length;
        var to = text.IndexOf(End, StringComparison.Ordinal);
        File.WriteAllText(Document, $"{text[..from]}\n\n{Of(findings)}\n\n{text[to..]}");
    }

    public static string Of(Findings findings)
    {
        var text = new StringBuilder();
        text.Append("| client | upstream | transport | through the gateway | directly | unscored, through | unscored, directly |\n");
        text.Append("| --- | --- | --- | ---: | ---: | ---: | ---: |\n");
        foreach (var cell in Cell.All) text.Append(Row(findings.Suite, cell));
        text.Append(NotApplicable());
        text.Append(Unscored(findings.Suite));
        text.Append(PeerTable(findings));
        text.Append(Gaps(findings));
        return text.ToString().Trim();
    }

    /// <summary>What failed somewhere and why, for the output of the tests.</summary>
    public static string Explain(IEnumerable<Fault> faults) => string.Join('\n', faults.Select(fault => $"{fault.What}: {Short(fault.Why)}"));

    /// <summary>Each fault with where it was seen, for who is to mend it; written beside the tests' other results.</summary>
    public static void WriteFaults(Findings findings)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(FaultFile)!);
        File.WriteAllLines(FaultFile, findings.Failed()
            .GroupBy(fault => $"{fault.What}: {Short(fault.Why)}", fault => fault.Where)
            .SelectMany(fault => fault.Distinct().Select(where => $"    {where}").Prepend(fault.Key)));
    }

    /// <summary>One line of it: some hold whole messages.</summary>
    private static string Short(string fault)
    {
        var line = fault.ReplaceLineEndings(" ");
        return line.Length <= 300 ? line : $"{line[..300]}…";
    }

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

    private static string PeerTable(Findings findings)
    {
        var text = new StringBuilder("\nPeers other people wrote, through the gateway: steps passed.\n\n");
        text.Append("| client | revision | ").AppendJoin(" | ", PeerServer.All.Select(server => server.Title)).Append(" |\n");
        text.Append("| --- | --- | ").AppendJoin(" | ", PeerServer.All.Select(_ => "---:")).Append(" |\n");
        foreach (var client in PeerClient.All)
        {
            Tour[] tours = [.. PeerServer.All.Select(server => findings.Peers[new PeerPair(client, server)])];
            var revisions = string.Join(", ", tours.Select(tour => tour.Revision ?? "not said").Distinct());
            var scores = tours.Select(tour => $"{tour.Steps.Values.Count(why => why is null)}/{tour.Steps.Count}");
            text.Append($"| {client.Title} | {revisions} | ").AppendJoin(" | ", scores).Append(" |\n");
        }

        return text.ToString();
    }

    private static string Gaps(Findings findings)
    {
        var gaps = findings.Failed().GroupBy(fault => fault.Where, fault => fault.What).ToArray();
        if (gaps.Length == 0) return "";
        var text = new StringBuilder("\nNot passed yet:\n\n");
        foreach (var where in gaps) text.Append("- ").Append(where.Key).Append(": ").AppendJoin(", ", where.Distinct().Select(what => $"`{what}`")).Append(".\n");
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
