using Xunit;

namespace Testing;

/// <summary>
/// What a test needs besides the SDK. On a laptop a test whose need is missing is skipped with the reason; with <c>CI=true</c> it fails,
/// so that a build machine cannot pass by testing less.
/// </summary>
public static class Requires
{
    /// <summary>The path of Node.js; that of <c>tests/npm</c> where it is installed, since a machine's own may be too old for the packages.</summary>
    public static string Node()
    {
        var own = RepositoryRoot.PathOf("tests", "npm", "node_modules", "node", "bin", "node");
        return File.Exists(own) ? own : Program("Node.js", "node");
    }

    /// <summary>The path of a Redis or Valkey server.</summary>
    public static string RedisServer() => Program("a Redis server", "redis-server", "valkey-server");

    /// <summary>The path of a Chromium browser.</summary>
    public static string Chromium() => Program("Chromium", "chromium", "chromium-browser", "google-chrome");

    /// <summary>Skips the test, or fails it in CI, because something it needs is missing.</summary>
    /// <param name="what">What is missing and how to get it, as a sentence.</param>
    public static void Missing(string what)
    {
        if (InCi) Assert.Fail($"{what} (with CI=true this is a failure, elsewhere the test is skipped)");
        Assert.Skip(what);
    }

    private static bool InCi =>
        string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase);

    private static string Program(string what, params string[] names)
    {
        var path = names.Select(OnPath).FirstOrDefault(found => found is not null);
        if (path is null) Missing($"Needs {what}: no {string.Join(" or ", names)} on PATH. ./test.sh installs what can be installed.");
        return path!;
    }

    private static string? OnPath(string name)
    {
        var file = OperatingSystem.IsWindows() ? $"{name}.exe" : name;
        return (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(directory => Path.Combine(directory, file))
            .FirstOrDefault(File.Exists);
    }
}
