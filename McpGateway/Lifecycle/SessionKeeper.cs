using McpGateway.Endpoints;
using McpGateway.Upstreams;

namespace McpGateway.Lifecycle;

/// <summary>Goes round the sessions: pings the quiet ones, closes the old and the surplus ones, ends clients' sessions that nobody uses.</summary>
internal sealed class SessionKeeper(UpstreamRegistry upstreams, ClientSessions sessions, TimeProvider time, ILogger<SessionKeeper> logger) : BackgroundService
{
    private static readonly TimeSpan s_round = TimeSpan.FromSeconds(5);

    /// <summary>One round. Upstreams are swept side by side: a slow one does not keep the others waiting.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        await sessions.SweepAsync();
        await Task.WhenAll(upstreams.All.Select(upstream => SweepAsync(upstream, cancellationToken)));
    }

    private async Task SweepAsync(Upstream upstream, CancellationToken cancellationToken)
    {
        try
        {
            await upstream.SweepAsync(cancellationToken);
        }
        catch (Exception exception)
        {
            // One upstream's trouble must not end the rounds of all, and with them the gateway.
            logger.KeeperFailed(upstream.Name, exception);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var rounds = new PeriodicTimer(s_round, time);
        try
        {
            while (await rounds.WaitForNextTickAsync(stoppingToken)) await SweepAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The gateway stops.
        }
    }
}
