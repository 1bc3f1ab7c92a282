using System.Globalization;
using System.Text;
using Microsoft.Extensions.AI;

namespace Agents.Worker.Models.Offline;

/// <summary>Size, languages, parts, the readme's beginning, and what is closest to the question.</summary>
internal sealed class SummarizerPlan : OfflinePlan
{
    public override IEnumerable<FunctionCallContent?> Calls(OfflineDesk desk) => desk.Round switch
    {
        0 =>
        [
            desk.Call("repo_get_info"),
            desk.Call("qa_codebase", ("question", desk.Question.Text), ("limit", 6)),
            desk.Call("list_files", ("limit", 200)),
        ],
        _ => [],
    };

    public override object? Write(OfflineDesk desk, StringBuilder report)
    {
        var info = desk.First<RepositoryAnswer>("repo_get_info");
        if (info is not null) WriteOverview(report, info);
        WriteFolders(report, desk.First<FilesAnswer>("list_files"));
        WritePassages(desk, report, 6);
        return Condensed(desk, info);
    }

    private static void WriteOverview(StringBuilder report, RepositoryAnswer info)
    {
        Line(report, $"{Overview(info)}.\n");
        if (Readme(info) is { } readme) Line(report, $"Its readme begins: \"{readme}\"\n");
        if (info.Projects.Count > 0) Line(report, $"Projects: {string.Join(", ", info.Projects.Take(20))}.");
        if (info.LargestFiles.Count > 0) Line(report, $"Largest files: {string.Join(", ", info.LargestFiles.Take(5).Select(f => string.Create(CultureInfo.InvariantCulture, $"{f.File} ({f.Lines} lines)")))}.");
        if (info.LongestMethods.Count > 0) Line(report, $"Longest methods: {string.Join(", ", info.LongestMethods.Take(5).Select(m => $"{m.Name} (`{m.Place}`)"))}.");
    }

    private static void WriteFolders(StringBuilder report, FilesAnswer? listed)
    {
        var folders = (listed?.Files ?? []).Where(f => f.File.Contains('/')).CountBy(f => f.File.Split('/')[0]).OrderByDescending(f => f.Value).Take(12).ToList();
        if (folders.Count == 0) return;
        var scope = listed!.Total > listed.Files.Count ? string.Create(CultureInfo.InvariantCulture, $" among the first {listed.Files.Count} of {listed.Total} files") : "";
        Line(report, $"Top folders{scope}: {string.Join(", ", folders.Select(f => string.Create(CultureInfo.InvariantCulture, $"{f.Key} ({f.Value} files)")))}.");
    }

    private static string Condensed(OfflineDesk desk, RepositoryAnswer? info)
    {
        var parts = new List<string>();
        if (info is not null) parts.Add($"{Overview(info)}.");
        if (info is not null && Readme(info) is { } readme) parts.Add($"Its readme says: {readme}");
        if (Passages(desk).FirstOrDefault() is { } passage) parts.Add($"Closest to the question is {passage.Place}.");
        return parts.Count > 0 ? string.Join(' ', parts) : "The tools gave nothing to sum up.";
    }

    // The first line that is prose; headings, badges and HTML say little.
    private static string? Readme(RepositoryAnswer info) =>
        info.Readme?.Split('\n').Select(line => line.Trim()).FirstOrDefault(line => line.Length > 20 && char.IsLetter(line[0])) is { } line ? OneLine(line, 240) : null;
}
