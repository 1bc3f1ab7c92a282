using Agents.Runs;
using Microsoft.Extensions.DependencyInjection;

namespace Agents.Worker.Tests.Kill;

/// <summary>The store that the processes of a test share: SQLite in a folder of its own, or a Redis server of its own.</summary>
internal sealed class RunsStorage : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly RedisProcess? _redis;
    private readonly ServiceProvider _later;

    private RunsStorage(RedisProcess? redis)
    {
        _redis = redis;
        _later = new ServiceCollection().AddLogging().AddSingleton<TimeProvider>(new LaterTime()).AddRuns(_ => _directory.FullPath, redis?.ConnectionString).BuildServiceProvider();
    }

    public static async Task<RunsStorage> OpenAsync(string store) => new(store == "redis" ? await RedisProcess.StartAsync() : null);

    /// <summary>On a Redis server that has what it acknowledged when it is started again.</summary>
    public static async Task<RunsStorage> OpenDurableRedisAsync(TemporaryDirectory directory) => new(await RedisProcess.StartDurableAsync(directory));

    /// <summary>Kills the Redis server and starts it again.</summary>
    public async Task RestartAsync()
    {
        await _redis!.StopAsync();
        await _redis.RunAsync();
    }

    /// <summary>Times of the queue, where a test does not keep the defaults.</summary>
    public Dictionary<string, string?> Times { get; set; } = [];

    /// <summary>What a service's process gets told.</summary>
    public Dictionary<string, string?> Settings => new(Times)
    {
        ["Storage__Directory"] = _directory.FullPath,
        ["ConnectionStrings__cache"] = _redis?.ConnectionString,
    };

    /// <summary>Takes away every lease that was not renewed within the next minutes: those of the killed, without the wait for them.</summary>
    public Task<int> ReapAsync() => _later.GetRequiredService<IRunQueue>().ReapAsync(TestContext.Current.CancellationToken);

    public async Task<AgentRun> GetAsync(string id) => (await _later.GetRequiredService<IRunStore>().GetAsync(id, TestContext.Current.CancellationToken)).ShouldNotBeNull();

    public async ValueTask DisposeAsync()
    {
        await _later.DisposeAsync();
        if (_redis is not null) await _redis.DisposeAsync();
        _directory.Dispose();
    }

    /// <summary>Ten minutes ahead of everybody else.</summary>
    private sealed class LaterTime : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + TimeSpan.FromMinutes(10);
    }
}
