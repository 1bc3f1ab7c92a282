using McpGateway.Sessions.Ledger;

namespace McpGateway.Lifecycle;

/// <summary>
/// Tells the ledger at a third of the owner's time that this gateway lives, so that two lost beats do not kill it; and looks, from
/// when all upstreams are known, for sessions that nobody will go on with. The two go on side by side: an upstream that does not let
/// its orphans be ended must not make this gateway count as dead.
/// </summary>
internal sealed class LedgerKeeper(GatewayLedger ledger, ISessionPermits permits, OrphanReaper reaper, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<LedgerKeeper> logger) : BackgroundService
{
    /// <summary>While an upstream opens to nobody because of a session that may be an orphan: asking the store costs little, and callers wait.</summary>
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(1);

    private TimeSpan Beat => ledger.Times.Owner / 3;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        try
        {
            await Task.WhenAll(BeatAsync(stoppingToken), ReapAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The gateway stops. What it holds is parked or ended before its owner's time is over.
        }
    }

    private async Task BeatAsync(CancellationToken stoppingToken)
    {
        using var beats = new PeriodicTimer(Beat, time);
        do
        {
            await RoundAsync(() => ledger.HeartbeatAsync(stoppingToken), stoppingToken);
            // After the sign of life, which a permit must outlast.
            await RoundAsync(() => permits.RenewAsync(stoppingToken), stoppingToken);
        }
        while (await beats.WaitForNextTickAsync(stoppingToken));
    }

    private async Task ReapAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (lifetime.ApplicationStarted.Register(started.SetResult)) await started.Task.WaitAsync(stoppingToken);
        while (true)
        {
            await RoundAsync(() => reaper.ReapAsync(stoppingToken), stoppingToken);
            await Task.Delay(reaper.IsAwaited && s_soon < Beat ? s_soon : Beat, time, stoppingToken);
        }
    }

    private async Task RoundAsync(Func<Task> round, CancellationToken stoppingToken)
    {
        try
        {
            await round();
        }
        catch (Exception exception) when (exception is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
        {
            logger.RoundFailed(exception);
        }
    }
}
