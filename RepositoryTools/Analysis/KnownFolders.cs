namespace RepositoryTools.Analysis;

/// <summary>What the place of a file says about it.</summary>
internal static class KnownFolders
{
    private static readonly HashSet<string> _ignored = new(StringComparer.OrdinalIgnoreCase)
    {
        ".git", ".hg", ".svn", ".vs", ".idea", ".gradle", ".venv", "venv", ".tox", ".mypy_cache", ".pytest_cache", ".next", ".nuxt", ".cache",
        "__pycache__", "bin", "obj", "node_modules", "bower_components", "dist", "build", "out", "target", "vendor", "coverage", "TestResults", ".data",
    };

    private static readonly HashSet<string> _vendored = new(StringComparer.OrdinalIgnoreCase)
    {
        "node_modules", "bower_components", "vendor", "vendored", "third_party", "third-party", "thirdparty", "external", "externals",
    };

    private static readonly HashSet<string> _testData = new(StringComparer.OrdinalIgnoreCase)
    {
        "testdata", "test-data", "test_data", "fixtures", "__fixtures__", "snapshots", "__snapshots__", "golden", "cassettes", "testassets",
    };

    private static readonly HashSet<string> _tests = new(StringComparer.OrdinalIgnoreCase)
    {
        "test", "tests", "__tests__", "spec", "specs", "unittests", "e2e",
    };

    private static readonly string[] _generatedSuffixes =
    [
        ".g.cs", ".g.i.cs", ".designer.cs", ".generated.cs", ".generated.ts", ".min.js", ".min.css", ".bundle.js", ".pb.go", ".pb.cc", ".pb.h", "_pb2.py", "_pb2_grpc.py",
    ];

    private static readonly string[] _testEndings = ["Tests", "Test", "_test", "_spec", ".test", ".spec", "Spec"];

    /// <summary>Whether a folder of that name is passed over where git cannot be asked.</summary>
    internal static bool IsIgnored(string folder) => _ignored.Contains(folder);

    /// <summary>Whether a file is somebody else's, generated, or data for tests: no code of this repository to judge.</summary>
    internal static bool IsForeign(string path) =>
        Folders(path).Any(f => _vendored.Contains(f) || _testData.Contains(f) || f.Equals("generated", StringComparison.OrdinalIgnoreCase))
        || _generatedSuffixes.Any(s => path.EndsWith(s, StringComparison.OrdinalIgnoreCase));

    /// <summary>Whether a file's folders say that it is part of tests.</summary>
    internal static bool IsTestFolder(string path) => Folders(path).Any(f =>
        _tests.Contains(f) || f.EndsWith(".Tests", StringComparison.OrdinalIgnoreCase) || f.EndsWith(".Test", StringComparison.OrdinalIgnoreCase));

    /// <summary>Whether a file's name says that it is part of tests.</summary>
    internal static bool IsTestName(string path)
    {
        var name = Path.GetFileNameWithoutExtension(path);
        return name.StartsWith("test_", StringComparison.Ordinal) || name == "conftest"
            || _testEndings.Any(e => name.EndsWith(e, StringComparison.Ordinal));
    }

    private static string[] Folders(string path) => path.Split('/')[..^1];
}
