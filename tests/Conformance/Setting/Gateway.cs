using System.Text.Json.Nodes;

namespace Conformance.Setting;

/// <summary>The real gateway in front of every upstream under test, each with a warm session.</summary>
internal sealed class Gateway : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly List<ServiceProcess> _upstreams = [];
    private ServiceProcess _service = null!;

    public static async Task<Gateway> StartAsync()
    {
        var gateway = new Gateway();
        try
        {
            await gateway.LaunchAsync();
            return gateway;
        }
        catch
        {
            await gateway.DisposeAsync();
            throw;
        }
    }

    public Uri AddressOf(UpstreamUnderTest upstream) => new(_service.BaseAddress, $"/mcp/{upstream.Name}");

    /// <summary>Waits until a session is free and none is being opened.</summary>
    public Task WarmAsync(UpstreamUnderTest upstream) => Eventually.SeesAsync(
        async () => JsonNode.Parse(await _service.Client.GetStringAsync(new Uri($"/upstreams/{upstream.Name}", UriKind.Relative)))!,
        report => report["state"]!.GetValue<string>() == "ready" && report["pool"]!["opening"]!.GetValue<int>() == 0);

    public async ValueTask DisposeAsync()
    {
        if (_service is not null) await _service.DisposeAsync();
        foreach (var upstream in _upstreams) await upstream.DisposeAsync();
        _directory.Dispose();
    }

    private async Task LaunchAsync()
    {
        var entries = new JsonObject { ["repository"] = new JsonObject { ["disabled"] = true } };
        foreach (var upstream in UpstreamUnderTest.All)
        {
            var server = await upstream.StartAsync();
            if (server is not null) _upstreams.Add(server);
            entries.Add(upstream.Entry(server));
        }

        _directory.Write("mcp.json", new JsonObject { ["mcpServers"] = entries }.ToJsonString());
        _service = await ServiceProcess.StartAsync("McpGateway", ["--Gateway:ConfigFile", _directory.PathOf("mcp.json"), "--Storage:Directory", _directory.FullPath]);
    }
}
