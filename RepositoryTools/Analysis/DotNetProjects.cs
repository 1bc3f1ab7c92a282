using RepositoryTools.Repositories;

namespace RepositoryTools.Analysis;

/// <summary>What the .NET project files of a repository say about the files below them. The nearest project above a file counts.</summary>
internal sealed class DotNetProjects
{
    private static readonly string[] _testMarks = ["Microsoft.NET.Test.Sdk", "\"xunit", "\"NUnit", "\"MSTest", "\"TUnit", "<IsTestProject>true"];
    private readonly Dictionary<string, Project> _projects = new(StringComparer.Ordinal);
    private readonly List<string> _openFolders = [];

    private DotNetProjects()
    {
    }

    private readonly record struct Project(bool IsTest, bool OpensInternals);

    /// <summary>Reads the project files of a repository.</summary>
    internal static DotNetProjects Of(string root, IReadOnlyList<string> files)
    {
        var projects = new DotNetProjects();
        foreach (var file in files)
        {
            if (IsProject(file))
            {
                projects.Add(file, Read(root, file));
            }
            else if (IsShared(file) && Opens(Read(root, file)))
            {
                projects._openFolders.Add(Folder(file));
            }
        }

        return projects;
    }

    /// <summary>Whether a file is part of tests, by its folders, its project, or, without a project, its name.</summary>
    internal bool IsTest(string path)
    {
        if (KnownFolders.IsTestFolder(path))
        {
            return true;
        }

        return path.EndsWith(".cs", StringComparison.OrdinalIgnoreCase) && Nearest(path) is { } project
            ? project.IsTest
            : KnownFolders.IsTestName(path);
    }

    /// <summary>Whether the project of a file lets others name its internal types.</summary>
    internal bool OpensInternals(string path) =>
        Nearest(path) is { OpensInternals: true } || _openFolders.Any(f => path.StartsWith(f, StringComparison.Ordinal));

    /// <summary>The folder of the project a file belongs to, with a slash at its end; null without a project.</summary>
    internal string? FolderOf(string path) => NearestFolder(path);

    private void Add(string file, string text)
    {
        var folder = Folder(file);
        var before = _projects.GetValueOrDefault(folder);
        _projects[folder] = new(
            before.IsTest || _testMarks.Any(m => text.Contains(m, StringComparison.OrdinalIgnoreCase)), before.OpensInternals || Opens(text));
    }

    private Project? Nearest(string path) => NearestFolder(path) is { } folder ? _projects[folder] : null;

    private string? NearestFolder(string path)
    {
        for (var folder = Folder(path); ; folder = Folder(folder.TrimEnd('/')))
        {
            if (_projects.ContainsKey(folder))
            {
                return folder;
            }

            if (folder.Length == 0)
            {
                return null;
            }
        }
    }

    private static string Read(string root, string file) => FileText.Read(Path.Combine(root, file)).Text ?? "";

    private static bool Opens(string text) => text.Contains("InternalsVisibleTo", StringComparison.Ordinal);

    private static bool IsProject(string path) => Path.GetExtension(path).ToLowerInvariant() is ".csproj" or ".fsproj" or ".vbproj";

    private static bool IsShared(string path) => Path.GetFileName(path) is "Directory.Build.props" or "Directory.Build.targets";

    private static string Folder(string path) => path[..(path.LastIndexOf('/') + 1)];
}
