using Agents.Runs.Tests.Contract;
using Microsoft.Extensions.Options;

namespace Agents.Runs.Tests.Sqlite;

/// <summary>agents.db in a folder of its own; each instance has its own connections, as a process has.</summary>
internal sealed class SqliteBackend : RunsBackend
{
    private readonly List<SqliteDatabase> _databases = [];

    public string Folder { get; } = Directory.CreateTempSubdirectory("agents-runs-").FullName;

    public override Task<RunsInstance> OpenAsync() => Task.FromResult(Open(new SqliteDatabase(Folder, Time)));

    // A write is one transaction, so what lies before its commit is as if it had not begun.
    public override Task<RunsInstance> OpenDoomedAsync(Action step) =>
        Task.FromResult(Open(new SqliteDatabase(Folder, Time) { BeforeCommit = step, AfterCommit = step }));

    private RunsInstance Open(SqliteDatabase database)
    {
        lock (_databases) _databases.Add(database);
        return new RunsInstance(
            new SqliteRunStore(database, Options.Create(new RunStorageOptions()), Time),
            new SqliteRunQueue(database, Options.Create(new RunQueueOptions()), Time),
            new SqliteRunEvents(database, Time),
            new SqliteAgentDefinitions(database, Time),
            new SqliteWebhookOutbox(database, Time));
    }

    public override async ValueTask DisposeAsync()
    {
        foreach (var database in _databases)
            await database.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }
}

public sealed class SqliteRunStoreTests : RunStoreContract
{
    protected override RunsBackend NewBackend() => new SqliteBackend();
}

public sealed class SqliteRunQueueTests : RunQueueContract
{
    protected override RunsBackend NewBackend() => new SqliteBackend();
}

public sealed class SqliteCrashTests : CrashContract
{
    protected override RunsBackend NewBackend() => new SqliteBackend();
}

public sealed class SqliteRunEventsTests : RunEventsContract
{
    protected override RunsBackend NewBackend() => new SqliteBackend();
}

public sealed class SqliteAgentDefinitionsTests : AgentDefinitionsContract
{
    protected override RunsBackend NewBackend() => new SqliteBackend();
}

public sealed class SqliteApprovalTests : ApprovalContract
{
    protected override RunsBackend NewBackend() => new SqliteBackend();
}

public sealed class SqliteWebhookTests : WebhookContract
{
    protected override RunsBackend NewBackend() => new SqliteBackend();
}
