using Microsoft.Extensions.Options;

namespace Agents.Api.Catalog;

/// <summary>A configured repository.</summary>
/// <param name="Name">Names it in requests.</param>
/// <param name="Path">Its folder, absolute.</param>
internal sealed record Repository(string Name, string Path);

/// <summary>
/// The repositories that runs may name: <c>Repositories:&lt;name&gt;:Path</c> of the configuration, relative paths from the content root,
/// and, when none is configured, <c>self</c>: the solution this service was started in. The gateway reads the same entries by the same rule.
/// </summary>
internal sealed class RepositoryCatalog
{
    private const string Self = "self";

    public const string HowToAdd =
        "Add one with '--repository name=path' at the AppHost, or with Repositories:<name>:Path (environment variable Repositories__<name>__Path) at every service.";

    private readonly Dictionary<string, Repository> _repositories = new(StringComparer.OrdinalIgnoreCase);

    /// <exception cref="OptionsValidationException">Entries are wrong; all of them are named.</exception>
    public RepositoryCatalog(IConfiguration configuration, IHostEnvironment environment)
    {
        var errors = new List<string>();
        foreach (var entry in configuration.GetSection("Repositories").GetChildren())
        {
            var path = entry["Path"];
            if (Error(entry, path, environment.ContentRootPath) is { } error)
                errors.Add(error);
            else
                _repositories[entry.Key] = new(entry.Key, Path.GetFullPath(path!, environment.ContentRootPath));
        }

        if (errors.Count > 0)
            throw new OptionsValidationException("Repositories", typeof(RepositoryCatalog), errors);
        if (_repositories.Count == 0 && SolutionFolder(environment.ContentRootPath) is { } solution)
            _repositories[Self] = new(Self, solution);
    }

    /// <summary>All of them by name.</summary>
    public IReadOnlyList<Repository> All => [.. _repositories.Values.OrderBy(repository => repository.Name, StringComparer.Ordinal)];

    /// <summary>The names for a message.</summary>
    public string NamesForPeople => _repositories.Count == 0 ? "none" : string.Join(", ", All.Select(repository => repository.Name));

    /// <summary>The repository of that name, upper and lower case alike as everywhere in the configuration; null if there is none.</summary>
    public Repository? Find(string name) => _repositories.GetValueOrDefault(name);

    private static string? Error(IConfigurationSection entry, string? path, string contentRoot)
    {
        var key = $"{entry.Path}:Path";
        if (string.IsNullOrWhiteSpace(path))
            return $"{key} is missing: give the folder of the repository.";
        return Directory.Exists(Path.GetFullPath(path, contentRoot))
            ? null
            : $"{key} is '{path}': there is no such folder. Give an existing one or remove the entry.";
    }

    private static string? SolutionFolder(string start)
    {
        for (var folder = new DirectoryInfo(start); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Agents.sln")))
                return folder.FullName;
        }

        return null;
    }
}
