using RepositoryTools.Analysis;
using RepositoryTools.Repositories;
using RepositoryTools.Serving;

namespace RepositoryTools;

/// <summary>A type or function that no test names.</summary>
internal sealed record UntestedRow(string Name, string Kind, string File, int Line, int PublicMembers);

/// <summary>What <c>find_untested</c> answers.</summary>
internal sealed record UntestedList(string Method, IReadOnlyList<UntestedRow> Untested, int Tested, int Total, string? NextCursor = null);

/// <summary>Finds types with behaviour that no test names.</summary>
internal sealed class FindUntestedTool(ToolContext context) : RepositoryTool<UntestedList>(
    context, AnswerJson.Default.UntestedList, "find_untested", "Find untested types",
    "Finds types with behaviour (and, outside C#, public functions) that the code of no test file names. Data types, enums, interfaces and constants are left out. A named type may still be tested badly, and an unlisted one may only be mentioned: the method says what was compared.",
    [ToolArgument.Repository, ToolArgument.Path, _limit, ToolArgument.Cursor])
{
    private static readonly ToolArgument _limit = ToolArgument.Limit(20, 100);

    /// <inheritdoc/>
    protected override Task<ToolAnswer<UntestedList>> AnswerAsync(ToolCall call, CancellationToken cancellationToken)
    {
        var found = UntestedCode.Find(call.Snapshot, PathFilter.Pick(call, ToolArgument.Path));
        var page = Page.Take(found.Untested, call, "find_untested", _limit, e =>
            $"{e.File}:{e.Line}: {e.Kind} {e.Name} ({e.PublicMembers} public members) is named by no test");
        var text = $"Method: {found.Method}.\n{found.Tested} tested, {found.Untested.Count} untested.\n{page.Text}";
        return Task.FromResult(new ToolAnswer<UntestedList>(
            new(found.Method, page.Rows, found.Tested, page.Total, page.NextCursor), call.WithNotice(text)));
    }
}
