using System.Globalization;
using System.Text;
using Microsoft.Extensions.AI;

namespace Agents.Worker.Models.Offline;

/// <summary>The fixed way one kind of agent works offline: which tools it asks in each round, and how it tells what they answered.</summary>
internal abstract class OfflinePlan
{
    /// <summary>The calls of this round; null ones are tools that are not on offer. None at all: the report is written.</summary>
    public abstract IEnumerable<FunctionCallContent?> Calls(OfflineDesk desk);

    /// <summary>The report's findings, and the value of the output field.</summary>
    public abstract object? Write(OfflineDesk desk, StringBuilder report);

    protected static StringBuilder Line(StringBuilder report, FormattableString line) =>
        report.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');

    /// <summary>Text for a cell of a Markdown table.</summary>
    protected static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal).ReplaceLineEndings(" ");

    protected static string OneLine(string text, int length = 140)
    {
        var line = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return line.Length <= length ? line : line[..length] + "…";
    }

    /// <summary>The passages closest to the question.</summary>
    protected static void WritePassages(OfflineDesk desk, StringBuilder report, int count)
    {
        var passages = Passages(desk).Take(count).ToList();
        if (passages.Count == 0) return;
        Line(report, $"\n### Closest to the question\n");
        foreach (var passage in passages) Line(report, $"- `{passage.Place}` {OneLine(passage.Text)}");
    }

    protected static IEnumerable<Passage> Passages(OfflineDesk desk) =>
        desk.First<PassagesAnswer>("qa_codebase")?.Passages.Where(p => p.File.Length > 0).DistinctBy(p => p.Place) ?? [];

    protected static string Overview(RepositoryAnswer info)
    {
        var languages = string.Join(", ", info.Languages.Take(3).Select(l => string.Create(CultureInfo.InvariantCulture, $"{l.Name} {l.Lines} lines")));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{info.Name} has {info.Files} files and {info.Lines} lines{(languages.Length > 0 ? $" ({languages})" : "")}, {info.TestFiles} of the files are tests");
    }

    protected static bool IsTest(string file) => file.Contains("test", StringComparison.OrdinalIgnoreCase);
}
