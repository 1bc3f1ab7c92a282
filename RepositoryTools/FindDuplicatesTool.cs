using RepositoryTools.Analysis;
using RepositoryTools.Repositories;
using RepositoryTools.Serving;

namespace RepositoryTools;

/// <summary>A part of a file, first and last line included.</summary>
internal sealed record CodeRange(string File, int Start, int End);

/// <summary>Two places with the same code.</summary>
/// <param name="Lines">How many lines of code are the same.</param>
/// <param name="First">One place.</param>
/// <param name="Second">The other.</param>
internal sealed record Duplicate(int Lines, CodeRange First, CodeRange Second);

/// <summary>What <c>find_duplicates</c> answers.</summary>
internal sealed record DuplicateList(string Method, IReadOnlyList<Duplicate> Duplicates, int Total, string? NextCursor = null);

/// <summary>Finds code that is written twice.</summary>
internal sealed class FindDuplicatesTool(ToolContext context) : RepositoryTool<DuplicateList>(
    context, AnswerJson.Default.DuplicateList, "find_duplicates", "Find duplicates",
    "Finds the longest runs of the same lines of code in two places, longest first. White space, blank lines, comments, imports and lines of brackets alone do not count. Test data, generated and vendored files are left out.",
    [ToolArgument.Repository, ToolArgument.Path, _minLines, _limit, ToolArgument.Cursor])
{
    private const string Method =
        "maximal runs of lines that are the same after folding white space; blank, comment, import and bracket-only lines are passed over; test data, generated and vendored files are left out";

    private static readonly ToolArgument _minLines = ToolArgument.Integer("min_lines", "The fewest lines of code a run must have.", 6, 3, 100);
    private static readonly ToolArgument _limit = ToolArgument.Limit(20, 100);

    /// <inheritdoc/>
    protected override Task<ToolAnswer<DuplicateList>> AnswerAsync(ToolCall call, CancellationToken cancellationToken)
    {
        var files = PathFilter.Pick(call, ToolArgument.Path).Where(f => f.IsOwnCode).ToList();
        var duplicates = DuplicateRuns.Find(files, call.Arguments.Integer(_minLines), cancellationToken);
        var page = Page.Take(duplicates, call, "find_duplicates", _limit, d => $"{d.Lines} lines: {d.First.File}:{d.First.Start}-{d.First.End} = {d.Second.File}:{d.Second.Start}-{d.Second.End}");
        var text = $"Method: {Method}.\n{page.Text}";
        return Task.FromResult(new ToolAnswer<DuplicateList>(new(Method, page.Rows, page.Total, page.NextCursor), call.WithNotice(text)));
    }
}
