using System.Security.Cryptography;
using System.Text.Json;
using McpGateway.Sessions.Ledger;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;

namespace McpGateway.Endpoints.Replicas;

/// <summary>
/// The other gateways, through an inbox each in Redis. Who lives is known from the ledger's heartbeat, and the name of a gateway is
/// its owner id there. A message whose delivery is in doubt is posted again under the same id, and is in the inbox once.
/// </summary>
internal sealed class RedisReplicas(RedisStore redis, GatewayLedger ledger, TimeProvider time) : IReplicas
{
    /// <summary>Attempts at posting a message.</summary>
    private const int Attempts = 2;

    // The ledger says that Redis is lost; once is enough.
    private readonly LedgerHealth _health = new(time, NullLogger.Instance);

    public string Name => ledger.Owner;

    public Task<PostOutcome> PostAsync(string replica, ReplicaMessage message) => PostAsync(replica, message, NewId());

    public Task SpreadAsync(ReplicaMessage message)
    {
        var id = NewId();
        return TryAsync(() => redis.EvaluateAsync(ReplicaScripts.Spread, [ReplicaScripts.Holders + message.Session], [Name, id, Write(message)], CancellationToken.None));
    }

    public Task ListenAsync(string session) =>
        TryAsync(() => redis.EvaluateAsync(ReplicaScripts.Listen, [ReplicaScripts.Listener + session, ReplicaScripts.Client + session], [Name], CancellationToken.None));

    public async Task<bool> TrySendToListenerAsync(ReplicaMessage message)
    {
        var (id, json) = (NewId(), Write(message with { From = Name }));
        return await TryAsync(() => redis.EvaluateAsync(ReplicaScripts.SendToListener, [ReplicaScripts.Listener + message.Session], [Name, id, json], CancellationToken.None)) is { } answer && (int)answer == 1;
    }

    /// <summary>Posts a message under an id of its own: a second one of that id is the first.</summary>
    public async Task<PostOutcome> PostAsync(string replica, ReplicaMessage message, string id)
    {
        var json = Write(message with { From = Name });
        if (await TryAsync(() => redis.EvaluateAsync(ReplicaScripts.Post, [], [replica, id, json], CancellationToken.None)) is not { } answer) return PostOutcome.Unavailable;
        return (int)answer switch
        {
            1 => PostOutcome.Delivered,
            0 => PostOutcome.Dead,
            _ => PostOutcome.Unavailable,
        };
    }

    /// <summary>Takes out what waits in this gateway's inbox, each message once, in the order of its coming.</summary>
    /// <exception cref="LedgerUnavailableException">Redis does not answer.</exception>
    public async Task<IReadOnlyList<ReplicaMessage>> ClaimAsync(CancellationToken cancellationToken)
    {
        var waiting = (string[])(await redis.EvaluateAsync(ReplicaScripts.Claim, [$"{RedisStore.Prefix}inbox:{Name}"], [], cancellationToken))!;
        return [.. waiting.Select(Read).OfType<ReplicaMessage>()];
    }

    /// <summary>Calls back whenever a message has come. A call may get lost with the connection: whoever relies on it also looks by himself.</summary>
    /// <exception cref="LedgerUnavailableException">Redis does not answer.</exception>
    public Task SubscribeAsync(Action wake, CancellationToken cancellationToken) => redis.SubscribeAsync(ReplicaScripts.Wake + Name, wake, cancellationToken);

    public static string NewId() => RandomNumberGenerator.GetHexString(20, lowercase: true);

    public static string Write(ReplicaMessage message) => JsonSerializer.Serialize(message, LedgerJson.Options);

    private async Task<RedisResult?> TryAsync(Func<Task<RedisResult>> post)
    {
        for (var attempt = 1; attempt < Attempts; attempt++)
        {
            if (await _health.AskAsync<RedisResult?>(async () => await post(), null) is { } answer) return answer;
        }

        return await _health.AskAsync<RedisResult?>(async () => await post(), null);
    }

    /// <summary>Null for what a gateway of another kind has posted.</summary>
    private static ReplicaMessage? Read(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<ReplicaMessage>(json, LedgerJson.Options) is { Session: not null } message ? message : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
