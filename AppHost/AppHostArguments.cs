namespace AppHost;

/// <summary>
/// The command line. <c>--repository</c> is taken out here, because .NET configuration keeps only the last of a repeated switch; everything
/// else goes to configuration as it is.
/// </summary>
internal sealed record AppHostArguments(IReadOnlyList<string> Repositories, string[] Configuration, bool WantsHelp, IReadOnlyList<string> Errors)
{
    internal const string Usage = """
        Starts the whole system: mcp-gateway, agents-worker, agents-api. Ctrl+C stops it.

          dotnet run --project AppHost [-- options]

          --repository <name>=<path>   A code repository the agents may read. Repeatable. Without any, `self` is this solution.
          --<Key>=<value>              Any configuration key, for example:
            --Workers:Replicas=2         how many workers run (1 to 16)
            --Storage:Directory=<path>   where the services keep their files (default: .data beside Agents.sln)
            --Models:Provider=openai     with --Models:BaseUrl=<url> and --Models:Model=<name>; the key comes from
                                         the environment variable Models__ApiKey or `dotnet user-secrets`
          --help                       This text.
        """;

    private const string RepositorySwitch = "--repository";

    internal static AppHostArguments Parse(string[] args)
    {
        List<string> repositories = [], configuration = [], errors = [];
        for (var i = 0; i < args.Length; i++)
        {
            var (name, value) = Split(args[i]);
            var isSwitch = name.StartsWith("--", StringComparison.Ordinal);
            if (!isSwitch)
            {
                errors.Add($"Argument '{args[i]}' belongs to no switch. To add a repository write: --repository {(args[i].Contains('=', StringComparison.Ordinal) ? args[i] : "<name>=<path>")}");
                continue;
            }
            // A switch without '=' takes the next argument, as configuration reads it.
            var next = value is null && i + 1 < args.Length && !args[i + 1].StartsWith("--", StringComparison.Ordinal) ? args[++i] : null;
            if (!string.Equals(name, RepositorySwitch, StringComparison.OrdinalIgnoreCase))
                configuration.AddRange(next is null ? [args[i]] : [name, next]);
            else if ((value ?? next) is { } repository)
                repositories.Add(repository);
            else
                errors.Add("--repository has no value. Write: --repository <name>=<path>");
        }
        return new AppHostArguments(repositories, [.. configuration.Where(argument => !IsHelp(argument))], args.Any(IsHelp), errors);
    }

    private static bool IsHelp(string argument) => argument is "--help" or "-h" or "-?";

    private static (string Name, string? Value) Split(string argument)
    {
        var at = argument.IndexOf('=', StringComparison.Ordinal);
        return at < 0 ? (argument, null) : (argument[..at], argument[(at + 1)..]);
    }
}
