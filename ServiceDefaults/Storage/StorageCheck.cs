using Microsoft.Extensions.Hosting;

namespace ServiceDefaults.Storage;

/// <summary>Asks for the directory at start, so that one that cannot be written is found then.</summary>
internal sealed class StorageCheck : IHostedService
{
    /// <param name="directory">Creating it is the check.</param>
    public StorageCheck(StorageDirectory directory) => ArgumentNullException.ThrowIfNull(directory);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
