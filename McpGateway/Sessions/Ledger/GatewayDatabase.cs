using System.Globalization;
using McpGateway.Upstreams;
using Microsoft.Data.Sqlite;

namespace McpGateway.Sessions.Ledger;

/// <summary>
/// The file <c>gateway.db</c>, which gateways on one machine may share. One connection, used by one caller at a time; a
/// statement is short and does not wait for the disk (WAL), so that it runs where it is called.
/// </summary>
internal sealed class GatewayDatabase : IDisposable
{
    private const int SchemaVersion = 3;

    private const string Schema =
        """
        CREATE TABLE IF NOT EXISTS upstream_era (upstream TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, era TEXT NOT NULL, transport TEXT NOT NULL, decided_at TEXT NOT NULL);
        CREATE TABLE IF NOT EXISTS gateway_owner (id TEXT PRIMARY KEY, lives_until INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS session_entry (
            id TEXT PRIMARY KEY, upstream TEXT NOT NULL, fingerprint TEXT NOT NULL, owner TEXT NOT NULL, epoch INTEGER NOT NULL, sealed TEXT NOT NULL,
            opened_at INTEGER NOT NULL, parked_until INTEGER, expires_at INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS client_session (
            id TEXT PRIMARY KEY, scope TEXT, principal TEXT NOT NULL, version TEXT NOT NULL, capabilities TEXT NOT NULL, client_info TEXT, expires_at INTEGER NOT NULL);
        """;

    private readonly Lock _lock = new();
    private readonly SqliteConnection _connection;

    /// <exception cref="GatewayConfigurationException">The file is of a newer gateway, or cannot be opened.</exception>
    public GatewayDatabase(string directory)
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

    /// <summary>Runs statements in one transaction of the kind that takes the write lock first.</summary>
    /// <exception cref="LedgerUnavailableException">The file does not take it: locked for long, disk full, gone.</exception>
    public T Write<T>(Func<GatewayDatabase, T> work) => Guarded(() =>
    {
        Execute("BEGIN IMMEDIATE");
        try
        {
            var result = work(this);
            Execute("COMMIT");
            return result;
        }
        catch
        {
            Execute("ROLLBACK");
            throw;
        }
    });

    /// <summary>Runs one statement that only reads.</summary>
    /// <exception cref="LedgerUnavailableException">The file cannot be read.</exception>
    public List<T> Read<T>(Func<SqliteDataReader, T> row, string sql, params (string Name, object? Value)[] parameters) => Guarded(() => Query(row, sql, parameters));

    /// <summary>Within <see cref="Write"/>: runs a statement and returns the rows it changed.</summary>
    public int Execute(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = Command(sql, parameters);
        return command.ExecuteNonQuery();
    }

    /// <summary>Within <see cref="Write"/>: runs a query.</summary>
    public List<T> Query<T>(Func<SqliteDataReader, T> row, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using var command = Command(sql, parameters);
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read()) rows.Add(row(reader));
        return rows;
    }

    public void Dispose()
    {
        lock (_lock) _connection.Dispose();
    }

    private T Guarded<T>(Func<T> work)
    {
        try
        {
            lock (_lock) return work();
        }
        catch (Exception exception) when (exception is SqliteException or InvalidOperationException or ArgumentException or InvalidCastException)
        {
            throw new LedgerUnavailableException($"The ledger gateway.db does not answer: {exception.Message}", exception);
        }
    }

    private void Migrate(string file)
    {
        Execute("BEGIN IMMEDIATE");
        var found = Query(row => row.GetInt64(0), "PRAGMA user_version")[0];
        if (found > SchemaVersion)
            throw new GatewayConfigurationException([$"The ledger {file} has schema version {found}, and this gateway knows versions up to {SchemaVersion}. Start the newer gateway, or another Storage:Directory."]);
        Execute(Schema);
        Execute($"PRAGMA user_version={SchemaVersion.ToString(CultureInfo.InvariantCulture)}");
        Execute("COMMIT");
    }

    private SqliteCommand Command(string sql, ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        var command = _connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in parameters) command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command;
    }
}
