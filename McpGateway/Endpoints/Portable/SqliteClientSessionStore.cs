using McpGateway.Sessions.Ledger;

namespace McpGateway.Endpoints.Portable;

/// <summary>Clients' sessions in <c>gateway.db</c>; times are Unix milliseconds. What has expired is removed when a session is written.</summary>
internal sealed class SqliteClientSessionStore(GatewayDatabase database, TimeProvider time) : IClientSessionStore
{
    public Task SaveAsync(ClientSessionRecord session, TimeSpan kept, CancellationToken cancellationToken) => Task.FromResult(database.Write(db =>
    {
        db.Execute("DELETE FROM client_session WHERE expires_at <= $now", ("$now", After(TimeSpan.Zero)));
        return db.Execute(
            """
            INSERT OR REPLACE INTO client_session (id, scope, principal, version, capabilities, client_info, expires_at)
            VALUES ($id, $scope, $principal, $version, $capabilities, $info, $expires)
            """,
            ("$id", session.Id), ("$scope", session.Scope), ("$principal", session.Principal), ("$version", session.Introduction.Version),
            ("$capabilities", session.Introduction.Capabilities), ("$info", session.Introduction.ClientInfo), ("$expires", After(kept)));
    }));

    public Task<ClientSessionRecord?> FindAsync(string id, CancellationToken cancellationToken) => Task.FromResult(database.Read(
        row => new ClientSessionRecord(
            row.GetString(0), row.IsDBNull(1) ? null : row.GetString(1), row.GetString(2),
            new ClientIntroduction(row.GetString(3), row.GetString(4), row.IsDBNull(5) ? null : row.GetString(5))),
        "SELECT id, scope, principal, version, capabilities, client_info FROM client_session WHERE id = $id AND expires_at > $now",
        ("$id", id), ("$now", After(TimeSpan.Zero))).FirstOrDefault());

    public Task TouchAsync(IReadOnlyCollection<string> ids, TimeSpan kept, CancellationToken cancellationToken) => Task.FromResult(database.Write(db =>
        ids.Sum(id => db.Execute("UPDATE client_session SET expires_at = $expires WHERE id = $id AND expires_at > $now", ("$expires", After(kept)), ("$id", id), ("$now", After(TimeSpan.Zero))))));

    public Task RemoveAsync(string id, CancellationToken cancellationToken) =>
        Task.FromResult(database.Write(db => db.Execute("DELETE FROM client_session WHERE id = $id", ("$id", id))));

    private long After(TimeSpan wait) => (time.GetUtcNow() + wait).ToUnixTimeMilliseconds();
}
