using System.Text;
using Microsoft.Extensions.AI;

namespace Agents.Worker.Models.Offline;

/// <summary>For agents users define: what is closest to the question, and where its words stand.</summary>
internal sealed class QuestionPlan : OfflinePlan
{
    public override IEnumerable<FunctionCallContent?> Calls(OfflineDesk desk) => desk.Round > 0 ? [] :
    [
        desk.Call("repo_get_info"),
        desk.Call("qa_codebase", ("question", desk.Question.Text), ("limit", 8)),
        desk.Question.Words.Count > 0 ? desk.Call("search_code", ("query", desk.Question.Words[0]), ("limit", 10)) : null,
    ];

    public override object? Write(OfflineDesk desk, StringBuilder report)
    {
        if (desk.First<RepositoryAnswer>("repo_get_info") is { } info) Line(report, $"{Overview(info)}.\n");
        foreach (var match in desk.First<MatchesAnswer>("search_code")?.Matches ?? []) Line(report, $"- `{match.File}:{match.Line}` {OneLine(match.Text)}");
        WritePassages(desk, report, 8);
        return null;
    }
}
