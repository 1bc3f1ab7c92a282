using System.Globalization;
using System.Text;
using RepositoryTools.Analysis;
using RepositoryTools.Repositories;
using RepositoryTools.Serving;

namespace RepositoryTools;

/// <summary>How much of a repository is in one language.</summary>
internal sealed record LanguageShare(string Name, int Files, int Lines);

/// <summary>The commit that is checked out.</summary>
internal sealed record GitState(string Branch, string Commit, string Subject, string CommittedAt);

/// <summary>A file and its length.</summary>
internal sealed record FileLength(string File, int Lines);

/// <summary>A method and its length.</summary>
internal sealed record MethodLength(string Name, string File, int Line, int Lines);

/// <summary>What <c>repo_get_info</c> answers.</summary>
internal sealed record RepositoryInfo(
    string Name, int Files, int Lines, IReadOnlyList<LanguageShare> Languages, IReadOnlyList<string> Projects,
    IReadOnlyList<FileLength> LargestFiles, IReadOnlyList<MethodLength> LongestMethods, int TestFiles,
    string? Readme = null, GitState? Git = null);

/// <summary>Tells what a repository is made of.</summary>
internal sealed class RepoGetInfoTool(ToolContext context) : RepositoryTool<RepositoryInfo>(
    context, AnswerJson.Default.RepositoryInfo, "repo_get_info", "Repository overview",
    "Tells what a repository is made of: files and lines by language, projects, the beginning of the readme, the git state, the largest files, the longest methods, how many test files. A good first call.",
    [ToolArgument.Repository])
{
    /// <inheritdoc/>
    protected override async Task<ToolAnswer<RepositoryInfo>> AnswerAsync(ToolCall call, CancellationToken cancellationToken)
    {
        var info = RepositoryFacts.Of(call.Repository, call.Snapshot) with
        {
            Git = await GitStates.OfAsync(call.Repository, cancellationToken),
        };
        return new(info, call.WithNotice(Text(info)));
    }

    private static string Text(RepositoryInfo info)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"{info.Name}: {info.Files} files, {info.Lines} lines, {info.TestFiles} test files");
        if (info.Git is { } git)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"git: {git.Branch} at {git.Commit}, {git.CommittedAt}: {git.Subject}");
        }

        Section(text, "Languages", info.Languages.Select(l => $"{l.Name}: {l.Files} files, {l.Lines} lines"));
        Section(text, "Projects", info.Projects);
        Section(text, "Largest code files", info.LargestFiles.Select(f => $"{f.File}: {f.Lines} lines"));
        Section(text, "Longest methods", info.LongestMethods.Select(m => $"{m.File}:{m.Line}: {m.Name}, {m.Lines} lines"));
        Section(text, "Readme", info.Readme is null ? [] : [info.Readme]);
        return text.ToString().TrimEnd();
    }

    private static void Section(StringBuilder text, string title, IEnumerable<string> lines)
    {
        var list = lines.ToList();
        if (list.Count > 0)
        {
            text.AppendLine().AppendLine(title).AppendJoin('\n', list).AppendLine();
        }
    }
}
