using System.Globalization;
using System.Text;
using Microsoft.Extensions.AI;

namespace Agents.Worker.Models.Offline;

/// <summary>Types no test names, the most used first, with proposed tests for their methods. It writes no file.</summary>
internal sealed class TesterPlan : OfflinePlan
{
    private const int MaxTypes = 12;
    private const int TypesLookedAt = 3;
    private const int MethodsPerType = 4;

    public override IEnumerable<FunctionCallContent?> Calls(OfflineDesk desk) => desk.Round switch
    {
        0 =>
        [
            desk.Call("repo_get_info"),
            desk.Call("find_untested", ("limit", 30)),
            desk.Call("qa_codebase", ("question", desk.Question.Text), ("limit", 5)),
        ],
        1 => Untested(desk).Select(t => t.File).Distinct().Take(TypesLookedAt).Select(file => desk.Call("find_entities", ("path", file), ("kind", "method"), ("limit", 40))),
        _ => [],
    };

    public override object? Write(OfflineDesk desk, StringBuilder report)
    {
        if (desk.First<UntestedAnswer>("find_untested") is not { } answer)
        {
            report.Append("Which types are untested could not be asked.\n");
            return Array.Empty<string>();
        }

        Line(report, $"{answer.Total} types are named by no test, {answer.Tested} are. Compared: {answer.Method}. No test file was written.\n");
        foreach (var type in Untested(desk).Take(MaxTypes)) WriteType(desk, report, type);
        WritePassages(desk, report, 3);
        return Array.Empty<string>();
    }

    private static IEnumerable<CodePlace> Untested(OfflineDesk desk) =>
        (desk.First<UntestedAnswer>("find_untested")?.Untested ?? [])
            .OrderByDescending(t => desk.Question.IsAbout(t.Name) || desk.Question.IsAbout(t.File))
            .ThenByDescending(t => t.PublicMembers)
            .ThenBy(t => t.Place, StringComparer.Ordinal);

    private static void WriteType(OfflineDesk desk, StringBuilder report, CodePlace type)
    {
        var members = type.PublicMembers switch { 0 => "", 1 => ", 1 public member", var count => string.Create(CultureInfo.InvariantCulture, $", {count} public members") };
        Line(report, $"- `{type.Name}` ({type.Kind}{members}) at `{type.Place}`");
        var methods = desk.All<EntitiesAnswer>("find_entities").SelectMany(a => a.Entities)
            .Where(m => m.File == type.File && m.Accessibility is "public" or null && Owner(m) == type.Name)
            .DistinctBy(m => m.Name).Take(MethodsPerType).ToList();
        if (methods.Count == 0) return;
        var names = methods.Select(m => $"`{m.Name}_{(TakesInput(m) ? "Refuses_WhenInputIsInvalid" : "Succeeds_WhenCalledTwice")}` (`{m.Place}`)");
        Line(report, $"  - proposed in `{type.Name}Tests`: {string.Join(", ", names)}");
    }

    private static string? Owner(CodePlace method) => method.Container?.Split('.')[^1];

    private static bool TakesInput(CodePlace method) => method.Signature is { } text && !text.Contains("()", StringComparison.Ordinal);
}
