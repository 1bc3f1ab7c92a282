using System.Globalization;
using System.Text;
using Microsoft.Extensions.AI;

namespace Agents.Worker.Models.Offline;

/// <summary>A few findings of each kind, each turned into an action that names its place.</summary>
internal sealed class ConvoStarterPlan : OfflinePlan
{
    private const int MaxActions = 8;

    public override IEnumerable<FunctionCallContent?> Calls(OfflineDesk desk) => desk.Round switch
    {
        0 =>
        [
            desk.Call("repo_get_info"),
            desk.Call("qa_codebase", ("question", desk.Question.Text), ("limit", 6)),
            desk.Call("find_duplicates", ("limit", 3)),
            desk.Call("find_untested", ("limit", 3)),
        ],
        1 when desk.Question.Words.Count > 0 => [desk.Call("search_code", ("query", desk.Question.Words[0]), ("limit", 5))],
        _ => [],
    };

    public override object? Write(OfflineDesk desk, StringBuilder report)
    {
        if (desk.First<RepositoryAnswer>("repo_get_info") is { } info) Line(report, $"{Overview(info)}.\n");
        var actions = Actions(desk).Take(MaxActions).ToList();
        if (actions.Count == 0) report.Append("The tools showed nothing to act on.\n");
        foreach (var action in actions) Line(report, $"- {action}");
        WritePassages(desk, report, 4);
        return actions;
    }

    private static IEnumerable<string> Actions(OfflineDesk desk)
    {
        if (desk.First<MatchesAnswer>("search_code") is { Matches: [var match, ..] } found)
            yield return Invariant($"Look at {match.File}:{match.Line}, the first of {found.Total} lines with \"{desk.Question.Words[0]}\": does it answer your question?");
        else if (Passages(desk).FirstOrDefault() is { } passage)
            yield return Invariant($"Read {passage.Place}, the passage closest to your question.");
        foreach (var pair in desk.First<DuplicatesAnswer>("find_duplicates")?.Duplicates.Take(3) ?? [])
            yield return Invariant($"Merge the {pair.Lines} lines that {pair.First.Place} and {pair.Second.Place} share.");
        foreach (var type in desk.First<UntestedAnswer>("find_untested")?.Untested.Take(3) ?? [])
            yield return Invariant($"Write the first test for {type.Name} at {type.Place}; no test names it.");
        foreach (var method in desk.First<RepositoryAnswer>("repo_get_info")?.LongestMethods.Where(method => method.Lines > SimplifierPlan.ShortMethod).Take(2) ?? [])
            yield return Invariant($"Discuss splitting {method.Name} at {method.Place}: it has {method.Lines} lines.");
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
