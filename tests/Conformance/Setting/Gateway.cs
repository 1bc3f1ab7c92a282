using System.Text;
using System.Text.Json.Nodes;
using Conformance.Suite;

namespace Conformance.Setting;

/// <summary>The real gateway in a process of its own, with these upstreams and an empty store.</summary>
internal sealed class Gateway : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory;
    private readonly ServiceProcess _service;

    private Gateway(TemporaryDirectory directory, ServiceProcess service) => (_directory, _service) = (directory, service);

    /// <param name="upstreams">The entries of <c>mcpServers</c>; the built-in one is left out.</param>
    public static async Task<Gateway> StartAsync(JsonObject upstreams)
    {
        var directory = new TemporaryDirectory();
        try
        {
            upstreams["repository"] = new JsonObject { ["disabled"] = true };
            directory.Write("mcp.json", new JsonObject { ["mcpServers"] = upstreams }.ToJsonString());
            return new Gateway(directory, await ServiceProcess.StartAsync("McpGateway", ["--Gateway:ConfigFile", directory.PathOf("mcp.json"), "--Storage:Directory", directory.FullPath]));
        }
        catch
        {
            directory.Dispose();
            throw;
        }
    }

    /// <param name="upstream">Empty for the aggregate.</param>
    public Uri AddressOf(string upstream) => new(_service.BaseAddress, upstream.Length == 0 ? "/mcp" : $"/mcp/{upstream}");

    /// <summary>Waits until the upstream is ready and no session of it is being opened.</summary>
    public Task WarmAsync(string upstream) => Eventually.SeesAsync(
        async () => JsonNode.Parse(await _service.Client.GetStringAsync(new Uri($"/upstreams/{upstream}", UriKind.Relative)))!,
        report => report["state"]!.GetValue<string>() == "ready" && report["pool"]!["opening"]!.GetValue<int>() == 0);

    /// <summary>Calls a tool as a client of 2026-07-28 that declares these capabilities, so that a session of that profile is there for the next one.</summary>
    public async Task CallAsync(string upstream, string tool, string capabilities)
    {
        var body = new JsonObject
        {
            ["jsonrpc"] = "2.0",
            ["id"] = 1,
            ["method"] = "tools/call",
            ["params"] = new JsonObject
            {
                ["name"] = tool,
                ["arguments"] = new JsonObject(),
                ["_meta"] = new JsonObject
                {
                    ["io.modelcontextprotocol/protocolVersion"] = RequirementSet.Modern,
                    ["io.modelcontextprotocol/clientInfo"] = new JsonObject { ["name"] = "conformance", ["version"] = "1" },
                    ["io.modelcontextprotocol/clientCapabilities"] = JsonNode.Parse(capabilities),
                },
            },
        };
        using var request = new HttpRequestMessage(HttpMethod.Post, AddressOf(upstream)) { Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json") };
        foreach (var (name, value) in new[] { ("Accept", "application/json, text/event-stream"), ("MCP-Protocol-Version", RequirementSet.Modern), ("Mcp-Method", "tools/call"), ("Mcp-Name", tool) })
            request.Headers.TryAddWithoutValidation(name, value);
        using var response = await _service.Client.SendAsync(request, TestContext.Current.CancellationToken);
        response.EnsureSuccessStatusCode();
    }

    public async ValueTask DisposeAsync()
    {
        await _service.DisposeAsync();
        _directory.Dispose();
    }
}
