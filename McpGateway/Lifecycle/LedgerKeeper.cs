using McpGateway.Sessions.Ledger;

namespace McpGateway.Lifecycle;

/// <summary>
/// Tells the ledger at a third of the owner's time that this gateway lives, so that two lost beats do not kill it, and at two
/// thirds looks for sessions that nobody will go on with.
/// </summary>
internal sealed class LedgerKeeper(GatewayLedger ledger, ISessionPermits permits, OrphanReaper reaper, TimeProvider time, ILogger<LedgerKeeper> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        using var beats = new PeriodicTimer(ledger.Times.Owner / 3, time);
        try
        {
            for (var beat = 1; ; beat++)
            {
                await RoundAsync(() => ledger.HeartbeatAsync(stoppingToken), stoppingToken);
                // After the sign of life, which a permit must outlast.
                await RoundAsync(() => permits.RenewAsync(stoppingToken), stoppingToken);
                if (beat % 2 == 0) await RoundAsync(() => reaper.ReapAsync(stoppingToken), stoppingToken);
                await beats.WaitForNextTickAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The gateway stops. What it holds is parked or ended before its owner's time is over.
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
