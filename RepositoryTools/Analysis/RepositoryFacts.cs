using RepositoryTools.Repositories;

namespace RepositoryTools.Analysis;

/// <summary>Counts and picks what an overview of a repository tells.</summary>
internal static class RepositoryFacts
{
    private const int MaxRows = 10;
    private const int MaxProjects = 100;
    private const int MaxReadme = 2000;

    private static readonly string[] _projectNames =
        ["package.json", "pyproject.toml", "setup.py", "go.mod", "Cargo.toml", "pom.xml", "build.gradle", "build.gradle.kts", "Gemfile", "composer.json", "Package.swift", "CMakeLists.txt"];

    private static readonly string[] _projectEndings = [".csproj", ".fsproj", ".vbproj", ".sln", ".slnx"];

    /// <summary>Everything but the git state.</summary>
    internal static RepositoryInfo Of(Repository repository, Snapshot snapshot)
    {
        var read = snapshot.Files.Where(f => f.Reading is not null).ToList();
        var own = read.Where(f => f.IsOwnCode).ToList();
        return new(
            repository.Name,
            snapshot.TotalFiles,
            read.Sum(f => f.Reading!.Lines),
            Languages(read),
            [.. snapshot.Files.Select(f => f.Path).Where(IsProject).Take(MaxProjects)],
            [.. own.OrderByDescending(f => f.Reading!.Lines).Take(MaxRows).Select(f => new FileLength(f.Path, f.Reading!.Lines))],
            LongestMethods(own),
            snapshot.Files.Count(f => f is { IsTest: true, Language.IsCode: true }),
            Readme(repository.Root, snapshot));
    }

    private static List<LanguageShare> Languages(IEnumerable<SourceFile> files) =>
    [
        .. files.GroupBy(f => f.Language?.Name ?? "other")
            .Select(g => new LanguageShare(g.Key, g.Count(), g.Sum(f => f.Reading!.Lines)))
            .OrderByDescending(l => l.Lines).ThenBy(l => l.Name, StringComparer.Ordinal),
    ];

    private static List<MethodLength> LongestMethods(IEnumerable<SourceFile> files) =>
    [
        .. files.SelectMany(f => f.Reading!.Entities).Where(e => e.IsMethod)
            .OrderByDescending(e => e.Lines).ThenBy(e => e.File, StringComparer.Ordinal).ThenBy(e => e.Line).Take(MaxRows)
            .Select(e => new MethodLength(TypeAndName(e), e.File, e.Line, e.Lines)),
    ];

    private static string TypeAndName(Entity method) =>
        method.Container is { } container ? $"{container[(container.LastIndexOf('.') + 1)..]}.{method.Name}" : method.Name;

    private static bool IsProject(string path) =>
        !KnownFolders.IsForeign(path)
        && (_projectNames.Contains(Path.GetFileName(path)) || _projectEndings.Any(e => path.EndsWith(e, StringComparison.OrdinalIgnoreCase)));

    private static string? Readme(RepositoryRoot root, Snapshot snapshot)
    {
        var readme = snapshot.Files.FirstOrDefault(f => f.Reading is not null && !f.Path.Contains('/', StringComparison.Ordinal)
            && Path.GetFileNameWithoutExtension(f.Path).Equals("readme", StringComparison.OrdinalIgnoreCase));
        var text = readme is null ? null : root.Read(readme.Path).Text?.Trim();
        return text is { Length: > MaxReadme } ? text[..MaxReadme] + "…" : text;
    }
}
