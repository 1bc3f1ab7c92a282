using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;

namespace RepositoryTools.Serving;

/// <summary>A repository as named on the command line.</summary>
/// <param name="Name">1 to 64 of letters, digits, dot, underscore, hyphen.</param>
/// <param name="Path">Absolute path of its folder; it need not exist yet.</param>
internal sealed record RepositoryArgument(string Name, string Path);

/// <summary>What the command line asks for: repositories to serve, or one text to print before leaving.</summary>
internal sealed partial record CommandLine(IReadOnlyList<RepositoryArgument> Repositories, string? Reply, int ExitCode)
{
    private const string Usage = """
        RepositoryTools: an MCP server (stdio) that reads code repositories. It never writes.

        Usage: dotnet RepositoryTools.dll --repository name=path [--repository name2=path2 ...]

          --repository name=path  A repository to serve; may be repeated. The name is 1 to 64 letters, digits,
                                  dots, underscores or hyphens. A relative path starts at the current folder.
          --help                  Prints this text.
          --version               Prints the version.
        """;

    /// <summary>The version of this program, without build metadata.</summary>
    internal static string Version { get; } =
        typeof(CommandLine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    /// <summary>Reads all arguments; every fault is reported at once, with exit code 2.</summary>
    internal static CommandLine Parse(IReadOnlyList<string> args)
    {
        if (args.Any(a => a is "--help" or "-h" or "-?"))
        {
            return new([], Usage, 0);
        }

        if (args.Contains("--version"))
        {
            return new([], Version, 0);
        }

        List<RepositoryArgument> repositories = [];
        List<string> faults = [];
        for (var i = 0; i < args.Count; i++)
        {
            ReadOne(args, ref i, repositories, faults);
        }

        if (repositories.Count == 0 && faults.Count == 0)
        {
            faults.Add("--repository is missing: name at least one repository, such as --repository shop=/code/shop");
        }

        return faults.Count == 0 ? new(repositories, null, 0) : new([], Report(faults), 2);
    }

    private static void ReadOne(IReadOnlyList<string> args, ref int i, List<RepositoryArgument> repositories, List<string> faults)
    {
        const string option = "--repository";
        if (args[i].StartsWith(option + "=", StringComparison.Ordinal))
        {
            ReadRepository(args[i][(option.Length + 1)..], repositories, faults);
        }
        else if (args[i] != option)
        {
            faults.Add($"'{args[i]}' is no known argument: use --repository name=path, --help or --version");
        }
        else if (i + 1 == args.Count || args[i + 1].StartsWith("--", StringComparison.Ordinal))
        {
            faults.Add("--repository needs a value: --repository name=path");
        }
        else
        {
            ReadRepository(args[++i], repositories, faults);
        }
    }

    private static void ReadRepository(string value, List<RepositoryArgument> repositories, List<string> faults)
    {
        var equals = value.IndexOf('=', StringComparison.Ordinal);
        if (equals < 0)
        {
            faults.Add($"--repository '{value}' has no '=': write it as name=path");
            return;
        }

        var name = value[..equals];
        var path = value[(equals + 1)..];
        if (!NamePattern().IsMatch(name))
        {
            faults.Add($"--repository '{value}': the name '{name}' must be 1 to 64 letters, digits, dots, underscores or hyphens");
        }
        else if (repositories.Any(r => r.Name.Equals(name, StringComparison.OrdinalIgnoreCase)))
        {
            faults.Add($"--repository '{value}': the name '{name}' is given twice: names differ in more than letter case");
        }
        else if (path.Length == 0 || path.Contains('\0', StringComparison.Ordinal))
        {
            faults.Add($"--repository '{value}': the path is empty or holds a NUL character: write it as name=path");
        }
        else
        {
            repositories.Add(new(name, Path.GetFullPath(ExpandHome(path))));
        }
    }

    /// <summary>A shell leaves the tilde alone behind an equals sign.</summary>
    private static string ExpandHome(string path) =>
        path == "~" || path.StartsWith("~/", StringComparison.Ordinal)
            ? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) + path[1..]
            : path;

    private static string Report(List<string> faults)
    {
        var report = new StringBuilder();
        foreach (var fault in faults)
        {
            report.AppendLine(fault);
        }

        return report.Append("Run with --help for the usage.").ToString();
    }

    [GeneratedRegex("^[A-Za-z0-9._-]{1,64}$", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();
}
