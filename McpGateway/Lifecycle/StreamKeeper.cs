using McpGateway.Endpoints;
using McpGateway.Endpoints.Streams;
using ServiceDefaults.Drain;

namespace McpGateway.Lifecycle;

/// <summary>
/// Keeps open streams alive with one round for all of them, well within the minute after which proxies cut what is silent, and
/// ends at the start of a drain those that wait for nothing in particular, so that their clients go to another gateway at once.
/// </summary>
internal sealed class StreamKeeper(StreamHub hub, ListChanges changes, DrainState drain, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan s_round = TimeSpan.FromSeconds(15);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await using var atDrain = drain.Draining.UnsafeRegister(static hub => ((StreamHub)hub!).EndListening(), hub);
        using var announcing = changes;
        using var rounds = new PeriodicTimer(s_round, time);
        try
        {
            while (await rounds.WaitForNextTickAsync(stoppingToken)) hub.Beat();
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The gateway stops.
        }
    }
}
