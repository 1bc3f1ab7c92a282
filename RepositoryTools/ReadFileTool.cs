using System.Globalization;
using System.Text;
using RepositoryTools.Repositories;
using RepositoryTools.Serving;

namespace RepositoryTools;

/// <summary>What <c>read_file</c> answers.</summary>
internal sealed record FileSlice(string File, int StartLine, int EndLine, int TotalLines, string Text);

/// <summary>Reads lines of a file.</summary>
internal sealed class ReadFileTool(ToolContext context) : RepositoryTool<FileSlice>(
    context, AnswerJson.Default.FileSlice, "read_file", "Read a file",
    "Reads lines of a text file of up to 2 MB. The answer names the line range it holds and how many lines the file has; read on with start_line.",
    [_path, ToolArgument.Repository, _startLine, _maxLines])
{
    private static readonly ToolArgument _path = new("path", ArgumentType.Text, "The file, relative to the repository, such as src/app.cs.") { Required = true };
    private static readonly ToolArgument _startLine = ToolArgument.Integer("start_line", "The first line to read.", 1, 1, 10_000_000);
    private static readonly ToolArgument _maxLines = ToolArgument.Integer("max_lines", "How many lines to read at most.", 200, 1, 2000);

    /// <inheritdoc/>
    protected override Task<ToolAnswer<FileSlice>> AnswerAsync(ToolCall call, CancellationToken cancellationToken)
    {
        var path = call.Arguments.Required(_path);
        var file = RepositoryRoot.Normalise(_path.Name, path);
        var read = FileText.Read(call.Repository.Root.Resolve(_path.Name, path));
        if (read.Text is null)
        {
            throw new ToolError($"'path' is '{path}', and {read.Refusal}.{Remedy(call, file)}");
        }

        var lines = FileText.Lines(read.Text);
        var start = call.Arguments.Integer(_startLine);
        if (start > Math.Max(1, lines.Length))
        {
            throw new ToolError($"'start_line' is {start}, but {file} has {lines.Length} lines.");
        }

        return Task.FromResult(Slice(file, lines, start, call.Arguments.Integer(_maxLines)));
    }

    private static ToolAnswer<FileSlice> Slice(string file, string[] lines, int start, int maxLines)
    {
        var text = new StringBuilder();
        var end = start - 1;
        while (end < lines.Length && end - start + 1 < maxLines && (end < start || text.Length + lines[end].Length <= Page.MaxText))
        {
            text.Append(lines[end].Length <= Page.MaxText ? lines[end] : lines[end][..Page.MaxText] + "…").Append('\n');
            end++;
        }

        var slice = new FileSlice(file, start, end, lines.Length, text.ToString());
        var more = end < lines.Length ? $"; read on with start_line {end + 1}" : "";
        return new(slice, string.Create(CultureInfo.InvariantCulture, $"{file}:{start}-{end} of {lines.Length} lines{more}\n{text}"));
    }

    /// <summary>Names files that end like the one that is not there.</summary>
    private static string Remedy(ToolCall call, string file)
    {
        var name = Path.GetFileName(file);
        var near = call.Snapshot.Files.Select(f => f.Path)
            .Where(p => Path.GetFileName(p).Equals(name, StringComparison.OrdinalIgnoreCase) && p != file).Take(5).ToList();
        return near.Count == 0 ? " list_files shows what is there." : $" There is {string.Join(", ", near)}.";
    }
}
