using McpGateway.Sessions.Ledger;
using McpGateway.Upstreams;
using Microsoft.Data.Sqlite;

namespace McpGateway.Ledger.Tests;

public sealed class SqliteSessionLedgerTests : SessionLedgerContract
{
    private readonly SqliteStore _store = new();

    public override ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public override ValueTask DisposeAsync()
    {
        _store.Dispose();
        return ValueTask.CompletedTask;
    }

    private protected override ISessionLedger Open(LedgerTimes times) => new SqliteSessionLedger(_store.Open(), times, TimeProvider.System);
}

public sealed class SqliteEraLedgerTests : EraLedgerContract
{
    private readonly SqliteStore _store = new();

    public override ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public override ValueTask DisposeAsync()
    {
        _store.Dispose();
        return ValueTask.CompletedTask;
    }

    private protected override IEraLedger Open() => new SqliteEraLedger(_store.Open());
}

public sealed class GatewayDatabaseTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Open_RefusesANewerFile_WithASentence()
    {
        new GatewayDatabase(_directory.FullPath).Dispose();
        Execute("PRAGMA user_version=99");

        Should.Throw<GatewayConfigurationException>(() => new GatewayDatabase(_directory.FullPath)).Message
            .ShouldBe($"The ledger {_directory.PathOf("gateway.db")} has schema version 99, and this gateway knows versions up to 3. Start the newer gateway, or another Storage:Directory.");
    }

    [Fact]
    public async Task Open_TakesOverAFileOfTheFirstVersion()
    {
        Execute("CREATE TABLE upstream_era (upstream TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, era TEXT NOT NULL, transport TEXT NOT NULL, decided_at TEXT NOT NULL)");
        Execute("INSERT INTO upstream_era VALUES ('a', 'print', 'Legacy', 'Http', '2026-08-01T12:00:00.0000000+00:00')");
        Execute("PRAGMA user_version=1");

        using var database = new GatewayDatabase(_directory.FullPath);

        (await new SqliteEraLedger(database).FindAsync("a", "print", TestContext.Current.CancellationToken))!.Transport.ShouldBe(UpstreamTransport.Http);
        database.Read(row => row.GetInt64(0), "PRAGMA user_version").ShouldBe([3]);
    }

    [Fact]
    public void Open_SaysWhatToDo_WhenTheFileIsNoDatabase()
    {
        _directory.Write("gateway.db", new string('x', 4096));

        Should.Throw<GatewayConfigurationException>(() => new GatewayDatabase(_directory.FullPath)).Message.ShouldContain("cannot be opened");
    }

    [Fact]
    public void Read_SaysThatTheLedgerIsUnavailable_WhenItIsClosed()
    {
        var database = new GatewayDatabase(_directory.FullPath);
        database.Dispose();

        Should.Throw<LedgerUnavailableException>(() => database.Read(row => row.GetInt64(0), "PRAGMA user_version"));
    }

    private void Execute(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={_directory.PathOf("gateway.db")}");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}

/// <summary>A directory and the connections on its file.</summary>
internal sealed class SqliteStore : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly List<GatewayDatabase> _open = [];

    public GatewayDatabase Open()
    {
        var database = new GatewayDatabase(_directory.FullPath);
        _open.Add(database);
        return database;
    }

    public void Dispose()
    {
        foreach (var database in _open) database.Dispose();
        _directory.Dispose();
    }
}
