using System.Text.Json;
using McpGateway.Protocol;
using McpGateway.Sessions.Ledger;
using StackExchange.Redis;

namespace McpGateway.Endpoints.Portable;

/// <summary>Clients' sessions in Redis, one key each, for gateways on any number of machines. Redis's own clock ends them.</summary>
internal sealed class RedisClientSessionStore(RedisStore redis) : IClientSessionStore
{
    public Task SaveAsync(ClientSessionRecord session, TimeSpan kept, CancellationToken cancellationToken) =>
        redis.RunAsync(database => database.StringSetAsync(Key(session.Id), JsonSerializer.Serialize(Stored.Of(session), LedgerJson.Options), kept), cancellationToken);

    public async Task<ClientSessionRecord?> FindAsync(string id, CancellationToken cancellationToken)
    {
        var found = await redis.RunAsync(database => database.StringGetAsync(Key(id)), cancellationToken);
        return found.IsNull ? null : Read((string)found!, id);
    }

    public Task TouchAsync(IReadOnlyCollection<string> ids, TimeSpan kept, CancellationToken cancellationToken) =>
        redis.RunAsync(database => Task.WhenAll(ids.Select(id => database.KeyExpireAsync(Key(id), kept))), cancellationToken);

    public Task RemoveAsync(string id, CancellationToken cancellationToken) => redis.RunAsync(database => database.KeyDeleteAsync(Key(id)), cancellationToken);

    private static RedisKey Key(string id) => $"{RedisStore.Prefix}client:{id}";

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
