using System.Globalization;
using System.Text;
using Microsoft.Extensions.AI;

namespace Agents.Worker.Models.Offline;

/// <summary>Duplicates and long methods, the worst read in full, told as a table.</summary>
internal sealed class SimplifierPlan : OfflinePlan
{
    private const int MaxRows = 8;
    private const int LongMethod = 40;
    private const int Longest = 5;

    // Shorter ones are not worth a word, however long they are beside the others.
    internal const int ShortMethod = 15;

    public override IEnumerable<FunctionCallContent?> Calls(OfflineDesk desk) => desk.Round switch
    {
        0 =>
        [
            desk.Call("repo_get_info"),
            desk.Call("find_duplicates", ("limit", 10)),
            desk.Call("find_entities", ("kind", "method"), ("order_by", "lines"), ("limit", 12)),
            desk.Call("qa_codebase", ("question", desk.Question.Text), ("limit", 8)),
        ],
        1 => Findings(desk).DistinctBy(f => f.Place).Take(2).Select(f => desk.Call("read_file", ("path", f.File), ("start_line", f.Line), ("max_lines", Math.Clamp(f.Lines, 1, 200)))),
        _ => [],
    };

    public override object? Write(OfflineDesk desk, StringBuilder report)
    {
        if (desk.First<RepositoryAnswer>("repo_get_info") is { } info) Line(report, $"{Overview(info)}.\n");
        var findings = Findings(desk).Take(MaxRows).ToList();
        if (findings.Count == 0)
        {
            Line(report, $"No code stands twice and no method has more than {ShortMethod} lines: the tools found nothing to simplify.\n");
            WritePassages(desk, report, 3);
            return "| Where | What | Why | Size |\n| --- | --- | --- | --- |";
        }

        if (!Faults(desk).Any()) Line(report, $"No code stands twice and no method has more than {LongMethod} lines; the longest methods are where to look first.\n");
        Line(report, $"Simplify first: {findings[0].What} (`{findings[0].Place}`).\n");
        var table = Table(findings);
        report.Append(table).Append('\n');
        foreach (var file in desk.All<FileAnswer>("read_file")) WriteReading(report, file);
        WritePassages(desk, report, 3);
        return table;
    }

    private static IEnumerable<Finding> Findings(OfflineDesk desk)
    {
        var near = Passages(desk).Select(p => p.File).ToHashSet(StringComparer.Ordinal);
        var faults = Faults(desk).ToList();
        var longest = Methods(desk, ShortMethod + 1).Where(f => f.Lines <= LongMethod).OrderByDescending(f => f.Lines).Take(Math.Max(0, Longest - faults.Count));
        return faults.Concat(longest).OrderByDescending(Weight).ThenBy(f => f.Place, StringComparer.Ordinal);

        // What the question speaks of comes first; tests may be longer and repeat themselves more than what they test.
        double Weight(Finding f)
        {
            var asked = desk.Question.IsAbout(f.File) || desk.Question.IsAbout(f.Name) ? 2.0 : desk.Question.Words.Count > 0 && near.Contains(f.File) ? 1.5 : 1;
            return f.Lines * asked * (IsTest(f.File) ? 0.5 : 1);
        }
    }

    private static IEnumerable<Finding> Faults(OfflineDesk desk) => Duplicates(desk).Concat(Methods(desk, LongMethod + 1));

    private static IEnumerable<Finding> Duplicates(OfflineDesk desk) =>
        from pair in desk.First<DuplicatesAnswer>("find_duplicates")?.Duplicates ?? []
        let other = string.Create(CultureInfo.InvariantCulture, $"{pair.Second.Place}-{pair.Second.End}")
        select new Finding(
            pair.First.File, pair.First.Start, pair.Lines, "", $"keep the code shared with `{other}` in one place", "the same lines stand twice: a change in one place is easily missed in the other",
            string.Create(CultureInfo.InvariantCulture, $"{pair.Lines} lines, twice"));

    private static IEnumerable<Finding> Methods(OfflineDesk desk, int atLeast) =>
        from method in desk.All<EntitiesAnswer>("find_entities").SelectMany(a => a.Entities)
            .Concat(desk.First<RepositoryAnswer>("repo_get_info")?.LongestMethods ?? []).DistinctBy(m => m.Place)
        where method.Lines >= atLeast
        select new Finding(
            method.File, method.Line, method.Lines, method.Name, $"split `{method.Name}` into steps with names", method.Lines > LongMethod ? "it does more than one can see at once" : "it is among the longest here",
            string.Create(CultureInfo.InvariantCulture, $"{method.Lines} lines"));

    private static string Table(IEnumerable<Finding> findings)
    {
        var rows = findings.Select(f => $"| {Cell(f.Place)} | {Cell(f.What)} | {Cell(f.Why)} | {Cell(f.Size)} |");
        return $"| Where | What | Why | Size |\n| --- | --- | --- | --- |\n{string.Join('\n', rows)}";
    }

    private static void WriteReading(StringBuilder report, FileAnswer file)
    {
        var lines = file.Text.Split('\n');
        var branches = lines.Count(IsBranch);
        var first = lines.FirstOrDefault(line => line.Trim().Length > 2) ?? "";
        Line(report, $"\n`{file.File}:{file.StartLine}` was read to line {file.EndLine}: {branches} of the lines begin a branch or a loop. It begins `{OneLine(first, 100).Replace('`', '\'')}`.");
    }

    private static bool IsBranch(string line)
    {
        var text = line.TrimStart('}', ' ', '\t').AsSpan();
        foreach (var word in (ReadOnlySpan<string>)["if", "else if", "for", "foreach", "while", "switch", "case", "catch", "elif", "except"])
            if (text.StartsWith(word) && (text.Length == word.Length || !char.IsLetterOrDigit(text[word.Length]))) return true;
        return false;
    }

    private sealed record Finding(string File, int Line, int Lines, string Name, string What, string Why, string Size)
    {
        public string Place => string.Create(CultureInfo.InvariantCulture, $"{File}:{Line}");
    }
}
