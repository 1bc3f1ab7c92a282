using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Agents.Runs;

/// <summary>
/// Looks for expired leases, and now and then for runs that are past their retention, as long as the service runs. Every Api and every worker
/// has one; they cannot disturb each other.
/// </summary>
internal sealed partial class RunReaper(
    IRunQueue queue, IRunStore store, IOptions<RunQueueOptions> options, IOptions<RunStorageOptions> storage, TimeProvider time, ILogger<RunReaper> logger) : BackgroundService
{
    private static readonly TimeSpan MostBetweenPrunes = TimeSpan.FromHours(1);

    private long? _pruned;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await ReapAsync(stoppingToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The service ends. One that could not even start cancels this way too, where the host takes what is thrown for a crash.
        }
    }

    private async Task ReapAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Value.Reaper, time);
        do
        {
            try
            {
                if (await queue.ReapAsync(stoppingToken).ConfigureAwait(false) is > 0 and var count)
                    LogReaped(count);
                await PruneAsync(stoppingToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                // The next round tries again: without a reaper a lost run would stay running for ever.
                LogFailed(exception);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
    }

    private async Task PruneAsync(CancellationToken stoppingToken)
    {
        var pause = storage.Value.Retention < MostBetweenPrunes ? storage.Value.Retention : MostBetweenPrunes;
        if (_pruned is { } last && time.GetElapsedTime(last) < pause) return;
        if (await store.PruneAsync(stoppingToken).ConfigureAwait(false) is > 0 and var count)
            LogPruned(count);
        _pruned = time.GetTimestamp();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Took {Count} runs from workers that stopped renewing their lease")]
    private partial void LogReaped(int count);

    [LoggerMessage(Level = LogLevel.Information, Message = "Deleted {Count} runs that were past Runs:Retention")]
    private partial void LogPruned(int count);

    [LoggerMessage(Level = LogLevel.Error, Message = "Looking for expired leases failed; it is tried again")]
    private partial void LogFailed(Exception exception);
}
