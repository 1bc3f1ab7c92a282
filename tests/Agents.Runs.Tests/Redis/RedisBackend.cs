using Agents.Runs.Tests.Contract;
using Microsoft.Extensions.Logging.Abstractions;

namespace Agents.Runs.Tests.Redis;

/// <summary>A tenant of its own on a real server, which all tests of the process share; each instance has its own connection, as a process has.</summary>
internal sealed class RedisBackend(RedisProcess? own = null) : RunsBackend
{
    private static readonly Lazy<Task<RedisProcess>> s_shared = new(RedisProcess.StartAsync);

    private readonly List<RedisDatabase> _databases = [];

    public RunStorageOptions Options { get; } = new() { Tenant = Guid.NewGuid().ToString("N") };

    public override async Task<RunsInstance> OpenAsync() => Instance(await OpenDatabaseAsync());

    public override async Task<RunsInstance> OpenDoomedAsync(Action step)
    {
        var database = await OpenDatabaseAsync();
        database.BeforeSend = step;
        return Instance(database);
    }

    public async Task<RedisDatabase> OpenDatabaseAsync()
    {
        var server = own ?? await s_shared.Value;
        var database = new RedisDatabase(server.ConnectionString, Microsoft.Extensions.Options.Options.Create(Options), Time, NullLogger<RedisDatabase>.Instance);
        lock (_databases) _databases.Add(database);
        return database;
    }

    public RunsInstance Instance(RedisDatabase database) => new(
        new RedisRunStore(database, Time),
        new RedisRunQueue(database, Microsoft.Extensions.Options.Options.Create(new RunQueueOptions()), Time),
        new RedisRunEvents(database, Time),
        new RedisAgentDefinitions(database, Time),
        new RedisWebhookOutbox(database, Time));

    public override async ValueTask DisposeAsync()
    {
        foreach (var database in _databases)
            await database.DisposeAsync();
    }
}

public sealed class RedisRunStoreTests : RunStoreContract
{
    protected override RunsBackend NewBackend() => new RedisBackend();
}

public sealed class RedisRunQueueTests : RunQueueContract
{
    protected override RunsBackend NewBackend() => new RedisBackend();
}

public sealed class RedisCrashTests : CrashContract
{
    protected override RunsBackend NewBackend() => new RedisBackend();
}

public sealed class RedisRunEventsTests : RunEventsContract
{
    protected override RunsBackend NewBackend() => new RedisBackend();
}

public sealed class RedisAgentDefinitionsTests : AgentDefinitionsContract
{
    protected override RunsBackend NewBackend() => new RedisBackend();
}

public sealed class RedisApprovalTests : ApprovalContract
{
    protected override RunsBackend NewBackend() => new RedisBackend();
}

public sealed class RedisWebhookTests : WebhookContract
{
    protected override RunsBackend NewBackend() => new RedisBackend();
}
