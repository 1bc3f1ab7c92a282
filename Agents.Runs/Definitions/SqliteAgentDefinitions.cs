using Microsoft.Data.Sqlite;

namespace Agents.Runs;

/// <summary>Users' agents in agents.db.</summary>
internal sealed class SqliteAgentDefinitions(SqliteDatabase database, TimeProvider time) : IAgentDefinitions
{
    private const string Select =
        "SELECT d.id, d.owner, d.name, v.version, v.definition, v.created_at FROM definitions d JOIN definition_versions v ON v.id = d.id";

    public Task<StoredAgent?> CreateAsync(string? owner, string name, string definition, CancellationToken cancellationToken) => database.WriteAsync(write =>
    {
        var agent = new StoredAgent(StoredAgent.NewId(time), owner, name, 1, definition, time.GetUtcNow());
        var added = write.Connection.Execute(
            "INSERT INTO definitions (id, digest, owner, name, version) VALUES ($id, $digest, $owner, $name, 1) ON CONFLICT (digest) DO NOTHING",
            ("$id", agent.Id), ("$digest", OwnedName.DigestOf(owner, name)), ("$owner", owner), ("$name", name));
        if (added == 0)
            return null;
        AddVersion(write, agent);
        return agent;
    }, cancellationToken);

    public Task<StoredAgent?> ReplaceAsync(string id, int version, string definition, CancellationToken cancellationToken) => database.WriteAsync(write =>
    {
        var (owner, name) = write.Connection.Query(
            "UPDATE definitions SET version = version + 1 WHERE id = $id AND version = $version RETURNING owner, name",
            row => (row.Text(0), row.GetString(1)), ("$id", id), ("$version", version)).SingleOrDefault();
        if (name is null)
            return null;
        var agent = new StoredAgent(id, owner, name, version + 1, definition, time.GetUtcNow());
        AddVersion(write, agent);
        return agent;
    }, cancellationToken);

    public Task<StoredAgent?> GetAsync(string id, int? version, CancellationToken cancellationToken) =>
        One($"{Select} WHERE d.id = $id AND v.version = coalesce($version, d.version)", cancellationToken, ("$id", id), ("$version", version));

    public Task<StoredAgent?> FindAsync(string? owner, string name, CancellationToken cancellationToken) =>
        One($"{Select} WHERE d.digest = $digest AND v.version = d.version", cancellationToken, ("$digest", OwnedName.DigestOf(owner, name)));

    public Task<IReadOnlyList<StoredAgent>> ListAsync(string? owner, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult<IReadOnlyList<StoredAgent>>(database.Read(connection =>
            connection.Query($"{Select} WHERE d.owner IS $owner AND v.version = d.version ORDER BY d.name", Read, ("$owner", owner))));
    }

    public Task<bool> DeleteAsync(string id, CancellationToken cancellationToken) =>
        database.WriteAsync(write => write.Connection.Execute("DELETE FROM definitions WHERE id = $id", ("$id", id)) > 0, cancellationToken);

    private Task<StoredAgent?> One(string sql, CancellationToken cancellationToken, params (string Name, object? Value)[] parameters)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(database.Read(connection => connection.Query(sql, Read, parameters).SingleOrDefault()));
    }

    private static void AddVersion(SqliteWrite write, StoredAgent agent) => write.Connection.Execute(
        "INSERT INTO definition_versions (id, version, definition, created_at) VALUES ($id, $version, $definition, $now)",
        ("$id", agent.Id), ("$version", agent.Version), ("$definition", agent.Definition), ("$now", agent.CreatedAt));

    private static StoredAgent Read(SqliteDataReader row) =>
        new(row.GetString(0), row.Text(1), row.GetString(2), row.GetInt32(3), row.GetString(4), row.Time(5)!.Value);
}
