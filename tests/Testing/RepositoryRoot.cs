namespace Testing;

/// <summary>Where the solution is, seen from a test's output folder.</summary>
public static class RepositoryRoot
{
    /// <summary>The nearest parent folder that holds <c>Agents.sln</c>.</summary>
    public static string Find()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "Agents.sln"))) return directory.FullName;
        }

        throw new InvalidOperationException($"No parent of {AppContext.BaseDirectory} holds Agents.sln.");
    }

    /// <summary>A path below the root.</summary>
    public static string PathOf(params string[] parts) => Path.Combine([Find(), .. parts]);

    /// <summary>The built assembly of a project of the solution, in the configuration the tests themselves were built in.</summary>
    /// <exception cref="FileNotFoundException">The project has not been built.</exception>
    public static string AssemblyOf(string project)
    {
        // .../tests/X.Tests/bin/Debug/net10.0/
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        var assembly = PathOf(project, "bin", output.Parent!.Name, output.Name, $"{Path.GetFileName(project)}.dll");
        return File.Exists(assembly)
            ? assembly
            : throw new FileNotFoundException($"{assembly} is missing: build Agents.sln first.", assembly);
    }
}
