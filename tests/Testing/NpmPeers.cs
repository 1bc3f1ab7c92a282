namespace Testing;

/// <summary>The packages of <c>tests/npm</c>: clients and servers other people wrote, which ours have to get on with.</summary>
public static class NpmPeers
{
    /// <summary>The folder <c>tests/npm</c>; skips the test, or fails it in CI, when its packages are not installed.</summary>
    public static string Require()
    {
        Requires.Node();
        var folder = RepositoryRoot.PathOf("tests", "npm");
        if (!Directory.Exists(Path.Combine(folder, "node_modules")))
            Requires.Missing("Needs the packages of tests/npm: run npm ci there, or ./test.sh.");
        return folder;
    }

    /// <summary>The absolute path of a file of an installed package, such as <c>("@modelcontextprotocol/server-everything", "dist/index.js")</c>.</summary>
    public static string FileOf(string package, string relativePath)
    {
        var file = Path.Combine(Require(), "node_modules", package, relativePath);
        return File.Exists(file) ? file : throw new FileNotFoundException($"{package} has no {relativePath}.", file);
    }
}
