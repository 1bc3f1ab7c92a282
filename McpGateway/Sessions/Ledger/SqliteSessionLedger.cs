using Microsoft.Data.Sqlite;

namespace McpGateway.Sessions.Ledger;

/// <summary>Sessions in <c>gateway.db</c>, for gateways on one machine. Each operation is one transaction; times are Unix milliseconds.</summary>
internal sealed class SqliteSessionLedger(GatewayDatabase database, LedgerTimes times, TimeProvider time) : ISessionLedger
{
    private const string Columns = "id, upstream, fingerprint, owner, epoch, sealed, opened_at, parked_until";

    private const string Fence = "id = $id AND owner = $owner AND epoch = $epoch AND expires_at > $now";

    /// <summary>Held back while its owner lives, unless the owner itself has parked it.</summary>
    private const string Claimable = "expires_at > $now AND (parked_until IS NOT NULL OR NOT EXISTS (SELECT 1 FROM gateway_owner WHERE gateway_owner.id = owner AND lives_until > $now))";

    public Task RecordAsync(LedgerEntry entry, CancellationToken cancellationToken) => Task.FromResult(database.Write(db =>
    {
        Live(db, entry.Owner);
        return db.Execute(
            $"INSERT OR IGNORE INTO session_entry ({Columns}, expires_at) VALUES ($id, $upstream, $fingerprint, $owner, $epoch, $sealed, $opened, $parked, $expires)",
            ("$id", entry.Id), ("$upstream", entry.Upstream), ("$fingerprint", entry.Fingerprint), ("$owner", entry.Owner), ("$epoch", entry.Epoch), ("$sealed", entry.Sealed),
            ("$opened", entry.OpenedAt.ToUnixTimeMilliseconds()), ("$parked", entry.ParkedUntil?.ToUnixTimeMilliseconds()), ("$expires", After(times.Entry)));
    }));

    public Task<bool> RewriteAsync(LedgerEntry entry, CancellationToken cancellationToken) => Task.FromResult(database.Write(db => db.Execute(
        $"UPDATE session_entry SET sealed = $sealed, parked_until = $parked WHERE {Fence}",
        [("$sealed", entry.Sealed), ("$parked", entry.ParkedUntil?.ToUnixTimeMilliseconds()), .. FenceOf(entry)]) == 1));

    public Task<bool> ForgetAsync(LedgerEntry entry, CancellationToken cancellationToken) =>
        Task.FromResult(database.Write(db => db.Execute($"DELETE FROM session_entry WHERE {Fence}", FenceOf(entry)) == 1));

    public Task<IReadOnlyDictionary<string, LedgerLoss>> RenewAsync(string owner, IReadOnlyCollection<LedgerEntry> entries, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyDictionary<string, LedgerLoss>>(database.Write(db =>
        {
            Live(db, owner);
            db.Execute("DELETE FROM gateway_owner WHERE lives_until <= $now", ("$now", After(TimeSpan.Zero)));
            db.Execute("DELETE FROM session_entry WHERE expires_at <= $now", ("$now", After(TimeSpan.Zero)));
            var lost = new Dictionary<string, LedgerLoss>(StringComparer.Ordinal);
            foreach (var entry in entries)
            {
                if (db.Execute($"UPDATE session_entry SET expires_at = $expires WHERE {Fence}", [("$expires", After(times.Entry)), .. FenceOf(entry)]) == 1) continue;
                lost[entry.Id] = db.Query(_ => true, "SELECT 1 FROM session_entry WHERE id = $id", ("$id", entry.Id)).Count == 0 ? LedgerLoss.Gone : LedgerLoss.Taken;
            }

            return lost;
        }));

    public Task LeaveAsync(string owner, CancellationToken cancellationToken) =>
        Task.FromResult(database.Write(db => db.Execute("DELETE FROM gateway_owner WHERE id = $owner", ("$owner", owner))));

    public Task<IReadOnlyList<LedgerEntry>> ListClaimableAsync(string? upstream, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<LedgerEntry>>(database.Read(Entry,
            $"SELECT {Columns} FROM session_entry WHERE {Claimable} AND ($upstream IS NULL OR upstream = $upstream) ORDER BY opened_at",
            ("$upstream", upstream), ("$now", After(TimeSpan.Zero))));

    public Task<LedgerEntry?> ClaimAsync(LedgerEntry entry, string claimer, CancellationToken cancellationToken) => Task.FromResult(database.Write(db =>
    {
        var claimed = db.Query(Entry,
            $"UPDATE session_entry SET owner = $claimer, epoch = epoch + 1, parked_until = NULL WHERE {Fence} AND {Claimable} RETURNING {Columns}",
            [("$claimer", claimer), .. FenceOf(entry)]).FirstOrDefault();
        if (claimed is not null) Live(db, claimer);
        return claimed;
    }));

    private (string Name, object? Value)[] FenceOf(LedgerEntry entry) =>
        [("$id", entry.Id), ("$owner", entry.Owner), ("$epoch", entry.Epoch), ("$now", After(TimeSpan.Zero))];

    private void Live(GatewayDatabase db, string owner) =>
        db.Execute("INSERT OR REPLACE INTO gateway_owner (id, lives_until) VALUES ($owner, $until)", ("$owner", owner), ("$until", After(times.Owner)));

    private long After(TimeSpan wait) => (time.GetUtcNow() + wait).ToUnixTimeMilliseconds();

    private static LedgerEntry Entry(SqliteDataReader row) => new()
    {
        Id = row.GetString(0),
        Upstream = row.GetString(1),
        Fingerprint = row.GetString(2),
        Owner = row.GetString(3),
        Epoch = row.GetInt64(4),
        Sealed = row.GetString(5),
        OpenedAt = DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(6)),
        ParkedUntil = row.IsDBNull(7) ? null : DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(7)),
    };
}
