using System.Text;
using Microsoft.Extensions.AI;

namespace Agents.Worker.Models.Offline;

/// <summary>An inventory of the public types with the public members of the biggest.</summary>
internal sealed class DocumentationPlan : OfflinePlan
{
    private const int MaxTypes = 40;
    private const int MaxMembers = 12;

    public override IEnumerable<FunctionCallContent?> Calls(OfflineDesk desk) => desk.Round switch
    {
        0 =>
        [
            desk.Call("repo_get_info"),
            desk.Call("find_entities", ("kind", "type"), ("order_by", "lines"), ("limit", 100)),
            desk.Call("list_files", ("glob", "README*"), ("limit", 5)),
            desk.Call("qa_codebase", ("question", desk.Question.Text), ("limit", 5)),
        ],
        1 =>
        [
            .. Types(desk).Select(t => t.File).Distinct().Take(2).Select(file => desk.Call("find_entities", ("path", file), ("kind", "method"), ("limit", 40))),
            .. (desk.First<FilesAnswer>("list_files")?.Files ?? []).OrderBy(f => f.File.Length).Take(1).Select(f => desk.Call("read_file", ("path", f.File), ("start_line", 1), ("max_lines", 60))),
        ],
        _ => [],
    };

    public override object? Write(OfflineDesk desk, StringBuilder report)
    {
        if (desk.First<RepositoryAnswer>("repo_get_info") is { } info) Line(report, $"{Overview(info)}.\n");
        if (desk.First<FileAnswer>("read_file") is { } readme) Line(report, $"`{readme.File}:{readme.StartLine}` begins: \"{OneLine(readme.Text, 300)}\"\n");
        var types = Types(desk).Take(MaxTypes).ToList();
        if (types.Count == 0) report.Append("No public type was found.\n");
        else Line(report, $"Public types, found by: {desk.Method("find_entities")}.\n");
        foreach (var type in types) WriteType(desk, report, type);
        WritePassages(desk, report, 4);
        return null;
    }

    private static IEnumerable<CodePlace> Types(OfflineDesk desk) =>
        desk.All<EntitiesAnswer>("find_entities").SelectMany(a => a.Entities)
            .Where(e => e.Kind is not ("method" or "function" or "constructor" or "property") && e.Accessibility is "public" or null && !IsTest(e.File))
            .DistinctBy(e => e.Place)
            .OrderByDescending(e => desk.Question.IsAbout(e.Name) || desk.Question.IsAbout(e.File))
            .ThenByDescending(e => e.Lines);

    private static void WriteType(OfflineDesk desk, StringBuilder report, CodePlace type)
    {
        Line(report, $"- `{OneLine(type.Signature ?? $"{type.Kind} {type.Name}")}` at `{type.Place}`");
        var members = desk.All<EntitiesAnswer>("find_entities").SelectMany(a => a.Entities)
            .Where(m => m.Kind is "method" or "function" && m.File == type.File && m.Accessibility is "public" or null && m.Container?.Split('.')[^1] == type.Name)
            .DistinctBy(m => m.Place).Take(MaxMembers);
        foreach (var member in members) Line(report, $"  - `{OneLine(member.Signature ?? member.Name)}` at `{member.Place}`");
    }
}
