using System.Globalization;
using McpGateway.Protocol;
using Microsoft.Data.Sqlite;

namespace McpGateway.Upstreams;

/// <summary>
/// What the gateway remembers of its upstreams across restarts, in <c>gateway.db</c>. An entry belongs to one configuration of
/// an upstream: another address or command is another entry.
/// </summary>
internal sealed class UpstreamLedger : IDisposable
{
    private const int SchemaVersion = 1;

    private readonly Lock _lock = new();
    private readonly SqliteConnection _connection;

    /// <exception cref="GatewayConfigurationException">The file is of a newer gateway, or cannot be opened.</exception>
    public UpstreamLedger(string directory)
    {
        var file = Path.Combine(directory, "gateway.db");
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, DefaultTimeout = 5 }.ToString());
        try
        {
            _connection.Open();
            Execute("PRAGMA journal_mode=WAL");
            Execute("PRAGMA synchronous=NORMAL");
            Migrate(file);
        }
        catch (SqliteException exception)
        {
            _connection.Dispose();
            throw new GatewayConfigurationException([$"The ledger {file} cannot be opened: {exception.Message} Correct Storage:Directory, or remove the file: the gateway then finds out anew what it held."]);
        }
        catch
        {
            _connection.Dispose();
            throw;
        }
    }

    public EraMemory? Find(string upstream, string fingerprint)
    {
        lock (_lock)
        {
            using var command = Command("SELECT era, transport, decided_at FROM upstream_era WHERE upstream = $upstream AND fingerprint = $fingerprint", ("$upstream", upstream), ("$fingerprint", fingerprint));
            using var reader = command.ExecuteReader();
            if (!reader.Read()) return null;
            return Enum.TryParse<McpEra>(reader.GetString(0), out var era) && Enum.TryParse<UpstreamTransport>(reader.GetString(1), out var transport)
                ? new EraMemory(era, transport, DateTimeOffset.Parse(reader.GetString(2), CultureInfo.InvariantCulture))
                : null;
        }
    }

    public void Save(string upstream, string fingerprint, EraMemory memory)
    {
        lock (_lock)
        {
            using var command = Command(
                """
                INSERT INTO upstream_era (upstream, fingerprint, era, transport, decided_at) VALUES ($upstream, $fingerprint, $era, $transport, $at)
                ON CONFLICT (upstream) DO UPDATE SET fingerprint = $fingerprint, era = $era, transport = $transport, decided_at = $at
                """,
                ("$upstream", upstream), ("$fingerprint", fingerprint), ("$era", memory.Era.ToString()), ("$transport", memory.Transport.ToString()), ("$at", memory.DecidedAt.ToString("O", CultureInfo.InvariantCulture)));
            command.ExecuteNonQuery();
        }
    }

    public void Forget(string upstream)
    {
        lock (_lock)
        {
            using var command = Command("DELETE FROM upstream_era WHERE upstream = $upstream", ("$upstream", upstream));
            command.ExecuteNonQuery();
        }
    }

    public void Dispose()
    {
        lock (_lock) _connection.Dispose();
    }

    private void Migrate(string file)
    {
        Execute("BEGIN IMMEDIATE");
        using (var read = Command("PRAGMA user_version"))
        {
            var found = Convert.ToInt32(read.ExecuteScalar(), CultureInfo.InvariantCulture);
            if (found > SchemaVersion)
                throw new GatewayConfigurationException([$"The ledger {file} has schema version {found}, and this gateway knows versions up to {SchemaVersion}. Start the newer gateway, or another Storage:Directory."]);
        }

        Execute("CREATE TABLE IF NOT EXISTS upstream_era (upstream TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, era TEXT NOT NULL, transport TEXT NOT NULL, decided_at TEXT NOT NULL)");
        Execute($"PRAGMA user_version={SchemaVersion}");
        Execute("COMMIT");
    }

    private void Execute(string sql)
    {
        using var command = Command(sql);
        command.ExecuteNonQuery();
    }

    private SqliteCommand Command(string sql, params ReadOnlySpan<(string Name, string Value)> parameters)
    {
        var command = _connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in parameters) command.Parameters.AddWithValue(name, value);
        return command;
    }
}
