using RepositoryTools.Repositories;

namespace RepositoryTools.Analysis;

/// <summary>Tells which files are tests: by their folder and name; for .NET by the nearest project above them.</summary>
internal sealed class TestProjects
{
    private static readonly string[] _marks = ["Microsoft.NET.Test.Sdk", "\"xunit", "\"NUnit", "\"MSTest", "\"TUnit", "<IsTestProject>true"];
    private readonly Dictionary<string, bool> _projects;

    private TestProjects(Dictionary<string, bool> projects) => _projects = projects;

    /// <summary>Reads the project files of a repository.</summary>
    internal static TestProjects Of(string root, IReadOnlyList<string> files)
    {
        Dictionary<string, bool> projects = new(StringComparer.Ordinal);
        foreach (var project in files.Where(IsProject))
        {
            var text = FileText.Read(Path.Combine(root, project)).Text ?? "";
            var folder = Folder(project);
            projects[folder] = projects.GetValueOrDefault(folder) || _marks.Any(m => text.Contains(m, StringComparison.OrdinalIgnoreCase));
        }

        return new(projects);
    }

    /// <summary>Whether a file is part of tests.</summary>
    internal bool Holds(string path)
    {
        if (KnownFolders.IsTestFolder(path))
        {
            return true;
        }

        return path.EndsWith(".cs", StringComparison.OrdinalIgnoreCase) && Nearest(path) is { } isTest
            ? isTest
            : KnownFolders.IsTestName(path);
    }

    private bool? Nearest(string path)
    {
        for (var folder = Folder(path); ; folder = Folder(folder.TrimEnd('/')))
        {
            if (_projects.TryGetValue(folder, out var isTest))
            {
                return isTest;
            }

            if (folder.Length == 0)
            {
                return null;
            }
        }
    }

    private static bool IsProject(string path) =>
        path.EndsWith(".csproj", StringComparison.OrdinalIgnoreCase)
        || path.EndsWith(".fsproj", StringComparison.OrdinalIgnoreCase)
        || path.EndsWith(".vbproj", StringComparison.OrdinalIgnoreCase);

    private static string Folder(string path) => path[..(path.LastIndexOf('/') + 1)];
}
