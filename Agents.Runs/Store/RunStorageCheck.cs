using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Agents.Runs;

/// <summary>
/// Asks the store at start: one that was written by a newer version, or a file that cannot be used, stops the service with a sentence.
/// A server that does not answer yet does not.
/// </summary>
internal sealed partial class RunStorageCheck(IRunStore store, ILogger<RunStorageCheck> logger) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await store.ListAsync(new RunFilter { Limit = 1 }, cancellationToken).ConfigureAwait(false);
        }
        catch (RunStoreUnavailableException error)
        {
            LogUnavailable(error.Message);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(Level = LogLevel.Warning, Message = "No runs can be taken yet: {Reason}")]
    private partial void LogUnavailable(string reason);
}
