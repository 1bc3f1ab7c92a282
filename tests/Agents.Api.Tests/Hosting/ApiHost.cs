using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Agents.Api.Tests.Hosting;

/// <summary>Processes of the Api on a store of the test's own, and in this process what works on the same store.</summary>
internal sealed class ApiHost : IAsyncDisposable
{
    private readonly TemporaryDirectory _storage = new();
    private readonly RedisProcess? _redis;
    private readonly Dictionary<string, string?> _settings;
    private readonly List<ServiceProcess> _processes = [];
    private readonly ServiceProvider _services;
    private ScriptedWorker? _worker;

    private ApiHost(RedisProcess? redis, IReadOnlyDictionary<string, string?>? settings)
    {
        _redis = redis;
        _settings = new(settings ?? new Dictionary<string, string?>())
        {
            ["Storage:Directory"] = _storage.FullPath,
            ["Repositories:self:Path"] = RepositoryRoot.Find(),
            ["ConnectionStrings:cache"] = redis?.ConnectionString,
        };
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(_settings).Build();
        _services = new ServiceCollection().AddLogging().AddSingleton<IConfiguration>(configuration).AddSingleton<TimeProvider>(Time)
            .AddRuns(_ => _storage.FullPath, redis?.ConnectionString).BuildServiceProvider();
    }

    /// <summary>The clock of this process alone.</summary>
    public AheadTime Time { get; } = new();

    public IRunStore Store => _services.GetRequiredService<IRunStore>();

    public IRunQueue Queue => _services.GetRequiredService<IRunQueue>();

    public IWebhookOutbox Outbox => _services.GetRequiredService<IWebhookOutbox>();

    public ScriptedWorker Worker => _worker ??= new ScriptedWorker(_services);

    /// <param name="store"><c>sqlite</c> or <c>redis</c>.</param>
    /// <param name="settings">Configuration of the Api's processes, keys with colons.</param>
    public static async Task<ApiHost> OpenAsync(string store, IReadOnlyDictionary<string, string?>? settings = null) =>
        new(store == "redis" ? await RedisProcess.StartAsync() : null, settings);

    /// <summary>Starts a process of the Api.</summary>
    public async Task<ApiClient> StartAsync() => new((await LaunchAsync()).Client);

    /// <summary>Starts a process of the Api that the test wants to end.</summary>
    public async Task<ServiceProcess> LaunchAsync()
    {
        var process = await ServiceProcess.StartAsync(
            "Agents.Api", environment: _settings.ToDictionary(setting => setting.Key.Replace(":", "__", StringComparison.Ordinal), setting => setting.Value));
        _processes.Add(process);
        return process;
    }

    /// <summary>The file of a SQLite store.</summary>
    public string File => _storage.PathOf("agents.db");

    /// <summary>Ends the Redis server at once.</summary>
    public Task StopRedisAsync() => _redis!.StopAsync();

    public async ValueTask DisposeAsync()
    {
        if (_worker is not null)
            await _worker.DisposeAsync();
        foreach (var process in _processes)
            await process.DisposeAsync();
        await _services.DisposeAsync();
        if (_redis is not null)
            await _redis.DisposeAsync();
        _storage.Dispose();
    }

    /// <summary>A clock that can be put forward.</summary>
    internal sealed class AheadTime : TimeProvider
    {
        public TimeSpan By { get; set; }

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + By;
    }
}
