namespace Agents.Api.Catalog;

/// <summary>Reads the catalogue when the service starts, so that a wrong entry stops it at once and not at the first run. Says what was found.</summary>
internal sealed partial class CatalogCheck(RepositoryCatalog repositories, ILogger<CatalogCheck> logger) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (repositories.All.Count == 0)
            LogNone(RepositoryCatalog.HowToAdd);
        foreach (var repository in repositories.All)
            LogRepository(repository.Name, repository.Path);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(Level = LogLevel.Information, Message = "Repository {Name}: {Path}")]
    private partial void LogRepository(string name, string path);

    [LoggerMessage(Level = LogLevel.Warning, Message = "No repository is configured, so every run will be refused. {HowToAdd}")]
    private partial void LogNone(string howToAdd);
}
