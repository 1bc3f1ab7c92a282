using System.Globalization;
using RepositoryTools.Repositories;
using RepositoryTools.Serving;

namespace RepositoryTools;

/// <summary>A file of a repository; binary and huge files have no lines.</summary>
internal sealed record ListedFile(string File, long Bytes, int? Lines = null);

/// <summary>What <c>list_files</c> answers.</summary>
internal sealed record FileList(IReadOnlyList<ListedFile> Files, int Total, string? NextCursor = null);

/// <summary>Lists the files of a repository.</summary>
internal sealed class ListFilesTool(ToolContext context) : RepositoryTool<FileList>(
    context, AnswerJson.Default.FileList, "list_files", "List files",
    "Lists the files of a repository that git does not ignore, with size and lines. Narrow it with a folder and a glob.",
    [ToolArgument.Repository, ToolArgument.Path, _glob, _limit, ToolArgument.Cursor])
{
    private static readonly ToolArgument _glob = new("glob", ArgumentType.Text,
        "Only files that match, such as *.cs or src/**/*.ts: * and ? stay within a folder, ** crosses folders, a glob without a slash is about the name.");

    private static readonly ToolArgument _limit = ToolArgument.Limit(100, 1000);

    /// <inheritdoc/>
    protected override Task<ToolAnswer<FileList>> AnswerAsync(ToolCall call, CancellationToken cancellationToken)
    {
        var glob = call.Arguments.Text(_glob) is { } pattern ? PathFilter.Of(_glob.Name, pattern) : null;
        var files = PathFilter.Pick(call, ToolArgument.Path)
            .Where(f => glob?.Takes(f.Path) ?? true)
            .Select(f => new ListedFile(f.Path, f.Bytes, f.Reading?.Lines))
            .ToList();
        var page = Page.Take(files, call, "list_files", _limit, f =>
            string.Create(CultureInfo.InvariantCulture, $"{f.File} ({f.Bytes} bytes{(f.Lines is { } lines ? $", {lines} lines" : "")})"));
        return Task.FromResult(new ToolAnswer<FileList>(new(page.Rows, page.Total, page.NextCursor), call.WithNotice(page.Text)));
    }
}
