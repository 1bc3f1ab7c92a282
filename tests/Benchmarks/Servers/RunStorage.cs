using Agents.Runs;
using Microsoft.Extensions.DependencyInjection;

namespace Benchmarks.Servers;

/// <summary>
/// A store of runs as two processes have it, the Api's and a worker's: each with its own connections and its own way to hear of the other's writes.
/// They are in one process here, so what a hand-over costs is the store's and not the scheduler's of a machine with few cores.
/// </summary>
internal sealed class RunStorage : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly RedisProcess? _redis;

    private RunStorage(string name, RedisProcess? redis)
    {
        (Name, _redis) = (name, redis);
        Api = Services();
        Worker = Services();
    }

    public string Name { get; }

    public ServiceProvider Api { get; }

    public ServiceProvider Worker { get; }

    public static RunStorage OpenSqlite() => new("SQLite", null);

    /// <summary>On a server that keeps nothing on disk; null when this machine has none.</summary>
    public static async Task<RunStorage?> OpenRedisAsync()
    {
        if (!Programs.HasRedis()) return null;
        return new RunStorage("Redis", await RedisProcess.StartAsync());
    }

    public static async Task<IReadOnlyList<RunStorage>> OpenAllAsync() => await OpenRedisAsync() is { } redis ? [OpenSqlite(), redis] : [OpenSqlite()];

    /// <summary>Stores a run as the Api does.</summary>
    public async Task<string> SubmitAsync(CancellationToken cancellationToken)
    {
        var run = new AgentRun
        {
            Id = AgentRun.NewId(TimeProvider.System),
            Repository = "self",
            Query = "What should be simplified first?",
            Agents = [.. BuiltInAgents.Default.Select(name => new AgentExecution { Name = name })],
            CreatedAt = TimeProvider.System.GetUtcNow(),
        };
        await Api.GetRequiredService<IRunStore>().CreateAsync(run, cancellationToken);
        await Api.GetRequiredService<IRunQueue>().EnqueueAsync(run.Id, cancellationToken);
        return run.Id;
    }

    public async ValueTask DisposeAsync()
    {
        await Api.DisposeAsync();
        await Worker.DisposeAsync();
        if (_redis is not null) await _redis.DisposeAsync();
        _directory.Dispose();
    }

    private ServiceProvider Services() => new ServiceCollection().AddLogging().AddRuns(_ => _directory.FullPath, _redis?.ConnectionString).BuildServiceProvider();
}
