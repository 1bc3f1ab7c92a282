using System.Text.Json;
using McpGateway.Upstreams;
using StackExchange.Redis;

namespace McpGateway.Sessions.Ledger;

/// <summary>Eras in Redis, one key per upstream, kept for thirty days after the last time one was looked up.</summary>
internal sealed class RedisEraLedger(RedisStore redis) : IEraLedger
{
    private static readonly TimeSpan s_kept = TimeSpan.FromDays(30);

    public Task<EraMemory?> FindAsync(string upstream, string fingerprint, CancellationToken cancellationToken) => redis.RunAsync(async database =>
    {
        var found = await database.StringGetAsync(Key(upstream));
        if (found.IsNull || Read((string)found!) is not { } stored || stored.Fingerprint != fingerprint) return null;
        await database.KeyExpireAsync(Key(upstream), s_kept);
        return stored.Memory;
    }, cancellationToken);

    public Task SaveAsync(string upstream, string fingerprint, EraMemory memory, CancellationToken cancellationToken) =>
        redis.RunAsync(database => database.StringSetAsync(Key(upstream), JsonSerializer.Serialize(new Stored(fingerprint, memory), LedgerJson.Options), s_kept), cancellationToken);

    public Task ForgetAsync(string upstream, CancellationToken cancellationToken) => redis.RunAsync(database => database.KeyDeleteAsync(Key(upstream)), cancellationToken);

    private static RedisKey Key(string upstream) => $"{RedisStore.Prefix}era:{upstream}";

    private static Stored? Read(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<Stored>(json, LedgerJson.Options) is { Memory: not null } stored ? stored : null;
        }
        catch (JsonException)
        {
            // Written by something else: found out anew, and then overwritten.
            return null;
        }
    }

    private sealed record Stored(string Fingerprint, EraMemory Memory);
}
