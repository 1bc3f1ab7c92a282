using Microsoft.Extensions.DependencyInjection;

namespace Agents.Api.Tests.Hosting;

/// <summary>The Api in a process of its own and, on the same agents.db, a worker in this one.</summary>
public sealed class ApiFixture : IAsyncLifetime
{
    private readonly TemporaryDirectory _storage = new();
    private ServiceProvider? _services;
    private ServiceProcess? _api;

    internal ScriptedWorker Worker { get; private set; } = null!;

    internal ApiClient Api { get; private set; } = null!;

    internal IReadOnlyList<string> Output => _api!.Output;

    public async ValueTask InitializeAsync()
    {
        _api = await ServiceProcess.StartAsync("Agents.Api", environment: new Dictionary<string, string?>
        {
            ["Storage__Directory"] = _storage.FullPath,
            ["Repositories__self__Path"] = RepositoryRoot.Find(),
            ["Repositories__Other__Path"] = _storage.FullPath,
        });
        Api = new ApiClient(_api.Client);
        _services = new ServiceCollection().AddLogging().AddRuns(_ => _storage.FullPath).BuildServiceProvider();
        Worker = new ScriptedWorker(_services);
    }

    public async ValueTask DisposeAsync()
    {
        await Worker.DisposeAsync();
        await _services!.DisposeAsync();
        await _api!.DisposeAsync();
        _storage.Dispose();
    }
}
