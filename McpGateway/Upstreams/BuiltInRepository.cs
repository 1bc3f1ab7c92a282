using System.Collections.Immutable;
using McpGateway.Sessions;

namespace McpGateway.Upstreams;

/// <summary>
/// The upstream <c>repository</c>: RepositoryTools over stdio, carried in the gateway's own output. It keeps no state between
/// calls and answers every caller alike, so it is shared.
/// </summary>
internal static class BuiltInRepository
{
    public const string Name = "repository";

    private const string SolutionFile = "Agents.sln";

    private static readonly string[] s_runtimeVariables = ["DOTNET_ROOT", "DOTNET_ROOT_X64", "DOTNET_ROLL_FORWARD"];

    public static UpstreamConfig? Read(IConfiguration configuration, IHostEnvironment environment, List<string> errors)
    {
        var repositories = Repositories(configuration, environment, errors);
        if (repositories.Count == 0) return null;
        var program = Path.Combine(AppContext.BaseDirectory, "tools", "repository", "RepositoryTools.dll");
        if (!File.Exists(program))
        {
            errors.Add($"The built-in upstream '{Name}' is missing at {program}; build or publish McpGateway again.");
            return null;
        }

        return new UpstreamConfig
        {
            Name = Name,
            Transport = UpstreamTransport.Stdio,
            Command = Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet",
            Args = [program, .. repositories.SelectMany(repository => new[] { "--repository", $"{repository.Key}={repository.Value}" })],
            Env = RuntimeVariables(),
            WorkingDirectory = AppContext.BaseDirectory,
            Pool = new PoolOptions { Mode = PoolMode.Shared, Max = 8 },
        };
    }

    private static ImmutableSortedDictionary<string, string> Repositories(IConfiguration configuration, IHostEnvironment environment, List<string> errors)
    {
        var found = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var section in configuration.GetSection("Repositories").GetChildren())
        {
            var path = section["Path"];
            if (string.IsNullOrWhiteSpace(path)) errors.Add($"Repositories:{section.Key}:Path is empty; give the directory of the repository.");
            else if (!Directory.Exists(Path.GetFullPath(path, environment.ContentRootPath))) errors.Add($"Repositories:{section.Key}:Path is {path}, which does not exist. Create it or correct the path.");
            else found[section.Key] = Path.GetFullPath(path, environment.ContentRootPath);
        }

        if (found.Count == 0 && errors.Count == 0 && SolutionDirectory(environment.ContentRootPath) is { } solution) found["self"] = solution;
        return found.ToImmutable();
    }

    /// <summary>A runtime installed outside the usual place is found through these.</summary>
    private static ImmutableSortedDictionary<string, string> RuntimeVariables() =>
        s_runtimeVariables
            .Select(name => KeyValuePair.Create(name, Environment.GetEnvironmentVariable(name)))
            .Where(pair => pair.Value is not null)
            .ToImmutableSortedDictionary(pair => pair.Key, pair => pair.Value!, StringComparer.Ordinal);

    private static string? SolutionDirectory(string from)
    {
        for (var directory = new DirectoryInfo(from); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, SolutionFile))) return directory.FullName;
        }

        return null;
    }
}
