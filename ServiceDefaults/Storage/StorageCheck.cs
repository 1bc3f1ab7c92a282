using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ServiceDefaults.Storage;

/// <summary>Asks for the directory at start, and says where the state is when somebody expects it in Redis.</summary>
internal sealed partial class StorageCheck(StorageDirectory directory, IConfiguration configuration, ILogger<StorageCheck> logger) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (!string.IsNullOrEmpty(configuration.GetConnectionString("cache"))) LogRedisUnused(directory.FullPath);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "ConnectionStrings:cache is set, but this service does not use Redis: its state is kept in SQLite in {Directory}")]
    private partial void LogRedisUnused(string directory);
}
