using McpGateway.Calls.Inputs;
using McpGateway.Endpoints.Streams;
using McpGateway.Upstreams;

namespace McpGateway.Lifecycle;

/// <summary>
/// Ends the gateway without breaking what runs: new requests are refused from the first moment (<see cref="Endpoints.McpEndpoint"/>),
/// calls that wait for a client's answer are given up, those under way get until the deadline, then sessions that can be resumed are parked in the ledger, the others ended at their upstreams, and every process closed.
/// </summary>
internal sealed class GatewayDrain(UpstreamRegistry upstreams, ParkingLot parked, StreamHub streams, GatewayOptions options, TimeProvider time, ILogger<GatewayDrain> logger) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        await parked.GiveUpAllAsync();
        await WaitForCallsAsync(cancellationToken);
        streams.EndPairs();
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>After the listener: nobody can come any more.</summary>
    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        await upstreams.ParkAsync();
        await upstreams.DisposeAsync();
    }

    private async Task WaitForCallsAsync(CancellationToken cancellationToken)
    {
        if (Calls == 0) return;
        logger.Draining(Calls, options.DrainTimeout.TotalSeconds);
        await WaitForReturnsAsync(options.DrainTimeout, cancellationToken);
        logger.Drained(Calls);
        if (Calls == 0) return;
        // The listener waits for requests that are not answered: what still runs is told now what became of it: outcome unknown, or not run.
        upstreams.AbandonCalls();
        await WaitForReturnsAsync(Upstream.AbandonTime, cancellationToken);
    }

    private async Task WaitForReturnsAsync(TimeSpan most, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(most, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(50), time);
        try
        {
            while (Calls > 0) await poll.WaitForNextTickAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            // The deadline.
        }
    }

    private int Calls => upstreams.UnderWay;
}
