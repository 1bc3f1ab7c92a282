using RepositoryTools.Serving;

namespace RepositoryTools.Repositories;

/// <summary>The folder of a repository. Every path a client gives goes through it, and none leads out of it.</summary>
internal sealed class RepositoryRoot(string name, string path)
{
    /// <summary>The name of the repository.</summary>
    internal string Name { get; } = name;

    /// <summary>Absolute path of the folder, as configured.</summary>
    internal string FullPath { get; } = path;

    /// <summary>Refuses a root that is missing, with its name and path.</summary>
    internal void Require()
    {
        if (!Directory.Exists(FullPath))
        {
            throw new ToolError($"Repository '{Name}' cannot be read: there is no folder {FullPath}. Create it, or start the server with another --repository {Name}=path.");
        }
    }

    /// <summary>The relative path in one spelling: forward slashes, no leading "./", no trailing slash; "" is the root itself.</summary>
    /// <exception cref="ToolError">The path is absolute, has "..", a drive or a NUL character.</exception>
    internal static string Normalise(string argument, string path)
    {
        var slashed = path.Replace('\\', '/').Trim();
        var drive = slashed.Length >= 2 && char.IsAsciiLetter(slashed[0]) && slashed[1] == ':';
        if (slashed.StartsWith('/') || drive || slashed.StartsWith('~'))
        {
            throw new ToolError($"'{argument}' is '{path}', which is no path in the repository: give one relative to the repository, such as src/app.cs.");
        }

        if (slashed.Contains('\0', StringComparison.Ordinal))
        {
            throw new ToolError($"'{argument}' holds a NUL character: give a path relative to the repository.");
        }

        var parts = slashed.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(p => p != ".").ToArray();
        return parts.Contains("..")
            ? throw new ToolError($"'{argument}' is '{path}': '..' is not taken, since no path may lead out of the repository.")
            : string.Join('/', parts);
    }

    /// <summary>The absolute path of a relative one, after following every link on the way.</summary>
    /// <exception cref="ToolError">The path is of a wrong form or a link on it leads out of the repository.</exception>
    internal string Resolve(string argument, string path) =>
        Inside(Normalise(argument, path))
        ?? throw new ToolError($"'{argument}' is '{path}', which is a symbolic link, or lies behind one, that leads out of the repository: it is not read.");

    /// <summary>Reads a listed file. One that has become a link that leads out since it was listed is refused like an unreadable one.</summary>
    internal FileText Read(string file)
    {
        try
        {
            return Inside(file) is { } real ? FileText.Read(real) : new(null, "it leads out of the repository");
        }
        catch (IOException)
        {
            return new(null, "it lies behind links in a circle");
        }
    }

    private string? Inside(string relative)
    {
        var real = RealPath.Of(Path.Combine(FullPath, relative));
        return RealPath.IsWithin(RealPath.Of(FullPath), real) ? real : null;
    }
}
