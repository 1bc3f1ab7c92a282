using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;

namespace AppHost;

/// <summary>A code repository the agents may read: a name, and the absolute path of an existing directory.</summary>
internal sealed partial record Repository(string Name, string Path)
{
    internal const string Self = "self";

    /// <summary>Those of the command line, then those of <c>Repositories:&lt;name&gt;:Path</c> that it does not name, then the solution itself as <c>self</c>.</summary>
    internal static List<Repository> ReadAll(IEnumerable<string> arguments, IConfiguration configuration, string solutionDirectory, List<string> errors)
    {
        var found = new List<Repository>();
        foreach (var argument in arguments)
            Add(found, argument, errors);
        foreach (var section in configuration.GetSection("Repositories").GetChildren().Where(section => !Has(found, section.Key)))
            Add(found, section.Key, section["Path"], $"Repositories:{section.Key}:Path", errors);
        if (!Has(found, Self))
            found.Add(new Repository(Self, solutionDirectory));
        return found;
    }

    private static void Add(List<Repository> found, string argument, List<string> errors)
    {
        var at = argument.IndexOf('=', StringComparison.Ordinal);
        if (at < 0)
        {
            errors.Add($"--repository '{argument}' has no '='. Write: --repository <name>=<path>");
            return;
        }
        var name = argument[..at];
        if (Has(found, name))
            errors.Add($"--repository '{name}' is given twice. Each name stands for one path.");
        else
            Add(found, name, argument[(at + 1)..], $"--repository {argument}", errors);
    }

    private static void Add(List<Repository> found, string name, string? path, string source, List<string> errors)
    {
        if (!ValidName().IsMatch(name) || name.Contains("__", StringComparison.Ordinal))
            errors.Add($"{source}: the name '{name}' is invalid. Use 1 to 64 letters, digits, '.', '-' or '_' (no two '_' in a row).");
        else if (string.IsNullOrWhiteSpace(path))
            errors.Add($"{source}: the path is empty. Give the directory of the repository.");
        else if (!Directory.Exists(Absolute(path)))
            errors.Add($"{source}: there is no directory '{Absolute(path)}'. Give an existing one.");
        else
            found.Add(new Repository(name, Absolute(path)));
    }

    private static bool Has(List<Repository> found, string name) => found.Exists(other => string.Equals(other.Name, name, StringComparison.OrdinalIgnoreCase));

    // A shell does not expand ~ behind "name=".
    private static string Absolute(string path) => System.IO.Path.GetFullPath(
        path == "~" || path.StartsWith("~/", StringComparison.Ordinal) ? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) + path[1..] : path);

    // Two underscores separate the parts of a configuration key in an environment variable.
    [GeneratedRegex("^[A-Za-z0-9._-]{1,64}$", RegexOptions.CultureInvariant)]
    private static partial Regex ValidName();
}
