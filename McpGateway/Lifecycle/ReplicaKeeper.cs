using McpGateway.Endpoints.Replicas;
using McpGateway.Endpoints.Streams;
using McpGateway.Sessions.Ledger;

namespace McpGateway.Lifecycle;

/// <summary>Empties this gateway's inbox: when it is woken, and every second, since a wake-up may get lost.</summary>
internal sealed class ReplicaKeeper(RedisReplicas replicas, ReplicaDesk desk, TimeProvider time, ILogger<ReplicaKeeper> logger) : BackgroundService
{
    private static readonly TimeSpan s_round = TimeSpan.FromSeconds(1);

    private readonly WakeUp _wakeUp = new();
    private bool _isSubscribed;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        await using var rounds = time.CreateTimer(static wakeUp => ((WakeUp)wakeUp!).Set(), _wakeUp, s_round, s_round);
        await using var stopping = stoppingToken.UnsafeRegister(static wakeUp => ((WakeUp)wakeUp!).Set(), _wakeUp);
        while (!stoppingToken.IsCancellationRequested)
        {
            await _wakeUp.WaitAsync();
            await EmptyAsync(stoppingToken);
            desk.Sweep();
        }
    }

    private async Task EmptyAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (!_isSubscribed) await replicas.SubscribeAsync(_wakeUp.Set, cancellationToken);
            _isSubscribed = true;
            while (await replicas.ClaimAsync(cancellationToken) is { Count: > 0 } messages)
            {
                foreach (var message in messages) Take(message);
            }
        }
        catch (LedgerUnavailableException)
        {
            // The ledger says so; the next round looks again.
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The gateway stops.
        }
    }

    private void Take(ReplicaMessage message)
    {
        try
        {
            desk.Take(message);
        }
        catch (Exception exception)
        {
            // One message's trouble must not end the delivery of all.
            logger.ReplicaMessageFailed(message.Kind, exception);
        }
    }
}
