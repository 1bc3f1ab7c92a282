using System.Text.Json;
using McpGateway.Endpoints.Replicas;
using McpGateway.Protocol;
using McpGateway.Sessions.Ledger;
using StackExchange.Redis;

namespace McpGateway.Endpoints.Portable;

/// <summary>
/// Clients' sessions in Redis, one key each, for gateways on any number of machines. Redis's own clock ends them. Beside each stands
/// which gateways have it in memory: those are told of its end in the step that ends it.
/// </summary>
/// <param name="redis">The connection.</param>
/// <param name="replica">This gateway.</param>
internal sealed class RedisClientSessionStore(RedisStore redis, string replica) : IClientSessionStore
{
    public Task SaveAsync(ClientSessionRecord session, TimeSpan kept, CancellationToken cancellationToken) =>
        redis.EvaluateAsync(ReplicaScripts.Save, Keys(session.Id), [replica, JsonSerializer.Serialize(Stored.Of(session), LedgerJson.Options), (long)kept.TotalMilliseconds], cancellationToken);

    public async Task<ClientSessionRecord?> FindAsync(string id, CancellationToken cancellationToken)
    {
        var found = await redis.EvaluateAsync(ReplicaScripts.Find, Keys(id), [replica], cancellationToken);
        return found.IsNull ? null : Read((string)found!, id);
    }

    public Task TouchAsync(IReadOnlyCollection<string> ids, TimeSpan kept, CancellationToken cancellationToken) =>
        redis.RunAsync(database => Task.WhenAll(ids.SelectMany(Keys).Select(key => database.KeyExpireAsync(key, kept))), cancellationToken);

    public Task RemoveAsync(string id, CancellationToken cancellationToken) =>
        redis.EvaluateAsync(ReplicaScripts.End, Keys(id), [replica, RedisReplicas.NewId(), RedisReplicas.Write(new ReplicaMessage(ReplicaMessageKind.End, id))], cancellationToken);

    private static RedisKey[] Keys(string id) => [ReplicaScripts.Holders + id, ReplicaScripts.Client + id, ReplicaScripts.Listener + id];

    /// <summary>Null for what something else wrote there, or a gateway of another kind: its client then starts anew.</summary>
    private static ClientSessionRecord? Read(string json, string id)
    {
        try
        {
            return JsonSerializer.Deserialize<Stored>(json, LedgerJson.Options) is { Principal: { } principal, Version: { } version, Capabilities: { } capabilities } stored && McpVersion.IsLegacy(version)
                ? new ClientSessionRecord(id, stored.Scope, principal, new ClientIntroduction(version, capabilities, stored.ClientInfo))
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private sealed record Stored(string? Scope, string? Principal, string? Version, string? Capabilities, string? ClientInfo)
    {
        public static Stored Of(ClientSessionRecord session) =>
            new(session.Scope, session.Principal, session.Introduction.Version, session.Introduction.Capabilities, session.Introduction.ClientInfo);
    }
}
