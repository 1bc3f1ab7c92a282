using RepositoryTools.Analysis;
using RepositoryTools.Repositories;
using RepositoryTools.Serving;

namespace RepositoryTools;

/// <summary>A line that matches.</summary>
internal sealed record CodeMatch(string File, int Line, string Text);

/// <summary>What <c>search_code</c> answers.</summary>
internal sealed record CodeMatches(IReadOnlyList<CodeMatch> Matches, int Total, string? NextCursor = null);

/// <summary>Finds lines that hold a text or match a regular expression.</summary>
internal sealed class SearchCodeTool(ToolContext context) : RepositoryTool<CodeMatches>(
    context, AnswerJson.Default.CodeMatches, "search_code", "Search code",
    "Finds the lines of all text files that hold a text (letter case does not count) or match a .NET regular expression (case counts unless it starts with (?i)). Answers file:line and the line.",
    [_query, ToolArgument.Repository, _regex, ToolArgument.Path, _limit, ToolArgument.Cursor])
{
    private static readonly ToolArgument _query = new("query", ArgumentType.Text, "The text or regular expression to find within one line.") { Required = true };
    private static readonly ToolArgument _regex = new("regex", ArgumentType.Flag, "True when the query is a regular expression.");
    private static readonly ToolArgument _limit = ToolArgument.Limit(20, 100);

    /// <inheritdoc/>
    protected override Task<ToolAnswer<CodeMatches>> AnswerAsync(ToolCall call, CancellationToken cancellationToken)
    {
        var search = LineSearch.For(call.Arguments.Required(_query), call.Arguments.Flag(_regex));
        var files = PathFilter.Pick(call, ToolArgument.Path);
        var (matches, isCut) = search.Run(call.Repository.Root, files, cancellationToken);
        var page = Page.Take(matches, call, "search_code", _limit, m => $"{m.File}:{m.Line}: {m.Text}");
        var text = isCut
            ? $"{page.Text}\nMore than {LineSearch.MaxMatches} lines match: narrow the query or give 'path'."
            : page.Text;
        return Task.FromResult(new ToolAnswer<CodeMatches>(new(page.Rows, page.Total, page.NextCursor), call.WithNotice(text)));
    }
}
