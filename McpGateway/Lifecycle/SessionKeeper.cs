using McpGateway.Endpoints;
using McpGateway.Upstreams;

namespace McpGateway.Lifecycle;

/// <summary>Goes round the sessions: pings the quiet ones, closes the old and the surplus ones, ends clients' sessions that nobody uses.</summary>
internal sealed class SessionKeeper(UpstreamRegistry upstreams, ClientSessions sessions, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan s_round = TimeSpan.FromSeconds(5);

    /// <summary>One round. Upstreams are swept side by side: a slow one does not keep the others waiting.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        await sessions.SweepAsync();
        await Task.WhenAll(upstreams.All.Select(upstream => upstream.SweepAsync(cancellationToken)));
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
