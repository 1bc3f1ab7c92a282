using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Benchmarks.Servers;

/// <summary>The gateway as it runs in production, in a process of its own, with the upstreams that a benchmark needs.</summary>
internal sealed class Gateway : IAsyncDisposable
{
    private readonly ServiceProcess _process;
    private readonly TemporaryDirectory _directory;

    private Gateway(ServiceProcess process, TemporaryDirectory directory) => (_process, _directory) = (process, directory);

    public int Id => _process.Id;

    /// <param name="servers">Upstreams as the ecosystem's configuration file has them, by name.</param>
    public static async Task<Gateway> StartAsync(params (string Name, JsonObject Server)[] servers)
    {
        var directory = new TemporaryDirectory();
        // The built-in upstream would start a process of its own beside what is measured.
        var all = new JsonObject { ["repository"] = new JsonObject { ["command"] = "none", ["disabled"] = true } };
        foreach (var (name, server) in servers) all[name] = server;
        var file = directory.Write("mcp.json", new JsonObject { ["mcpServers"] = all }.ToJsonString());
        var environment = new Dictionary<string, string?>
        {
            ["Logging__LogLevel__Default"] = "Warning",
            ["Gateway__ConfigFile"] = file,
            ["Storage__Directory"] = directory.PathOf("data"),
        };
        return new Gateway(await ServiceProcess.StartAsync("McpGateway", environment: environment), directory);
    }

    public Uri UrlOf(string upstream) => new(_process.BaseAddress, $"/mcp/{upstream}");

    /// <summary>Waits until so many sessions of an upstream are warm and free.</summary>
    public Task WaitIdleAsync(string upstream, int sessions, CancellationToken cancellationToken) =>
        Eventually.SeesAsync(() => PoolAsync(upstream, cancellationToken), pool => pool.Idle >= sessions && pool.Opening == 0);

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _directory.Dispose();
    }

    private async Task<(int Idle, int Opening)> PoolAsync(string upstream, CancellationToken cancellationToken)
    {
        var pool = (await _process.Client.GetFromJsonAsync<JsonElement>($"/upstreams/{upstream}", cancellationToken)).GetProperty("pool");
        return (pool.GetProperty("idle").GetInt32(), pool.GetProperty("opening").GetInt32());
    }
}
