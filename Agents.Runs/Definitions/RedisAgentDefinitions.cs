using System.Globalization;
using StackExchange.Redis;

namespace Agents.Runs;

/// <summary>Users' agents in Redis: one hash per agent with a field per version. Their keys share a cluster slot, so each change is one script.</summary>
internal sealed class RedisAgentDefinitions(RedisDatabase database, TimeProvider time) : IAgentDefinitions
{
    // Keys: names, ids of the owner, agent. Values: digest, id, owner, 1 if there is one, name, first version. A try again finds its own id.
    private const string Create =
        """
        local held = redis.call('HGET', KEYS[1], ARGV[1])
        if held and held ~= ARGV[2] then return 0 end
        redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
        redis.call('SADD', KEYS[2], ARGV[2])
        redis.call('HSET', KEYS[3], 'owner', ARGV[3], 'owned', ARGV[4], 'name', ARGV[5], 'version', 1, 'v1', ARGV[6])
        return 1
        """;

    // Keys: agent. Values: version that is replaced, version that replaces, its text. A try again finds its own text.
    private const string Replace =
        """
        local field = 'v' .. ARGV[2]
        if redis.call('HGET', KEYS[1], field) == ARGV[3] then return 1 end
        if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return 0 end
        redis.call('HSET', KEYS[1], 'version', ARGV[2], field, ARGV[3])
        return 1
        """;

    // Keys: names, ids of the owner, agent. Values: digest, id.
    private const string Delete =
        """
        if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('HDEL', KEYS[1], ARGV[1]) end
        redis.call('SREM', KEYS[2], ARGV[2])
        return redis.call('DEL', KEYS[3])
        """;

    private RedisKeys Keys => database.Keys;

    public async Task<StoredAgent?> CreateAsync(string? owner, string name, string definition, CancellationToken cancellationToken)
    {
        var agent = new StoredAgent(StoredAgent.NewId(time), owner, name, 1, definition, time.GetUtcNow());
        var created = (long)await database.EvaluateAsync(
            Create,
            [Keys.DefinitionNames, Keys.DefinitionsOf(owner), Keys.Definition(agent.Id)],
            [OwnedName.DigestOf(owner, name), agent.Id, owner ?? "", owner is null ? 0 : 1, name, Text(agent)],
            cancellationToken).ConfigureAwait(false);
        return created == 1 ? agent : null;
    }

    public async Task<StoredAgent?> ReplaceAsync(string id, int version, string definition, CancellationToken cancellationToken)
    {
        if (await GetAsync(id, version: null, cancellationToken).ConfigureAwait(false) is not { } latest || latest.Version != version) return null;
        var next = latest with { Version = version + 1, Definition = definition, CreatedAt = time.GetUtcNow() };
        var replaced = (long)await database.EvaluateAsync(
            Replace, [Keys.Definition(id)], [version, next.Version, Text(next)], cancellationToken).ConfigureAwait(false);
        return replaced == 1 ? next : null;
    }

    public Task<StoredAgent?> GetAsync(string id, int? version, CancellationToken cancellationToken) =>
        database.RunAsync(redis => ReadAsync(redis, id, version), cancellationToken);

    public Task<StoredAgent?> FindAsync(string? owner, string name, CancellationToken cancellationToken) => database.RunAsync(async redis =>
    {
        var id = await redis.HashGetAsync(Keys.DefinitionNames, OwnedName.DigestOf(owner, name)).ConfigureAwait(false);
        return id.IsNull ? null : await ReadAsync(redis, id!, version: null).ConfigureAwait(false);
    }, cancellationToken);

    public Task<IReadOnlyList<StoredAgent>> ListAsync(string? owner, CancellationToken cancellationToken) => database.RunAsync<IReadOnlyList<StoredAgent>>(async redis =>
    {
        var ids = await redis.SetMembersAsync(Keys.DefinitionsOf(owner)).ConfigureAwait(false);
        var agents = await Task.WhenAll(ids.Select(id => ReadAsync(redis, id!, version: null))).ConfigureAwait(false);
        return [.. agents.OfType<StoredAgent>().OrderBy(agent => agent.Name, StringComparer.Ordinal)];
    }, cancellationToken);

    public async Task<bool> DeleteAsync(string id, CancellationToken cancellationToken)
    {
        if (await GetAsync(id, version: null, cancellationToken).ConfigureAwait(false) is not { } agent) return false;
        return (long)await database.EvaluateAsync(
            Delete,
            [Keys.DefinitionNames, Keys.DefinitionsOf(agent.Owner), Keys.Definition(id)],
            [OwnedName.DigestOf(agent.Owner, agent.Name), id],
            cancellationToken).ConfigureAwait(false) == 1;
    }

    private async Task<StoredAgent?> ReadAsync(IDatabase redis, string id, int? version)
    {
        var head = await redis.HashGetAsync(Keys.Definition(id), ["owner", "owned", "name", "version"]).ConfigureAwait(false);
        if (head[2].IsNull) return null;
        var wanted = version ?? (int)head[3];
        var stored = await redis.HashGetAsync(Keys.Definition(id), string.Create(CultureInfo.InvariantCulture, $"v{wanted}")).ConfigureAwait(false);
        if (stored.IsNull) return null;
        var text = StoredJson.Read<VersionText>(stored!);
        return new StoredAgent(id, (int)head[1] == 0 ? null : (string)head[0]!, head[2]!, wanted, text.Definition, text.CreatedAt);
    }

    private static string Text(StoredAgent agent) => StoredJson.Write(new VersionText(agent.Definition, agent.CreatedAt));

    private sealed record VersionText(string Definition, DateTimeOffset CreatedAt);
}
