using System.Text.Json.Nodes;
using McpGateway.Tests.Wire;

namespace McpGateway.Bridge.Tests;

/// <summary>One gateway before one server of each era and transport, which offers everything that MCP carries.</summary>
[CollectionDefinition(nameof(Peers))]
public sealed class Peers : IAsyncLifetime, ICollectionFixture<Peers>
{
    private const string Project = "tests/ConformanceUpstream";

    private readonly List<ServiceProcess> _upstreams = [];

    internal GatewayProcess Gateway { get; private set; } = null!;

    /// <summary>Every upstream there is.</summary>
    public static IEnumerable<string> Upstreams { get; } = ["old-http", "old-sse", "old-stdio", "new-http", "new-stdio"];

    /// <summary>Every client on every upstream.</summary>
    public static TheoryData<string, string> Cells => [.. from client in new[] { "old", "new" } from upstream in Upstreams select (client, upstream)];

    public async ValueTask InitializeAsync()
    {
        foreach (var era in new[] { "2025-11-25", "2026-07-28" }) _upstreams.Add(await ServiceProcess.StartAsync(Project, ["--era", era]));
        Gateway = await GatewayProcess.StartAsync(
            Http("old-http", _upstreams[0], "/mcp", "http"),
            Http("rooted", _upstreams[0], "/mcp", "http", """, "roots": true"""),
            Http("old-sse", _upstreams[0], "/sse", "sse"),
            Stdio("old-stdio", "2025-11-25"),
            Http("new-http", _upstreams[1], "/mcp", "http"),
            Stdio("new-stdio", "2026-07-28"));
        foreach (var upstream in Upstreams) await Gateway.ReadyAsync(upstream);
    }

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        foreach (var upstream in _upstreams) await upstream.DisposeAsync();
    }

    /// <summary>A client of an era at one upstream's endpoint.</summary>
    internal async Task<BridgeClient> ClientAsync(string era, string upstream, string capabilities = "{}") => era == "old"
        ? await OldClient.ConnectAsync(Gateway.Client, $"/mcp/{upstream}", JsonNode.Parse(capabilities)!.AsObject())
        : new NewClient(Gateway.Client, $"/mcp/{upstream}", JsonNode.Parse(capabilities)!.AsObject());

    private static string Http(string name, ServiceProcess upstream, string path, string type, string more = "") =>
        GatewayProcess.Entry(name, new Uri(upstream.BaseAddress, path).ToString(), $", \"type\": \"{type}\"{more}");

    private static string Stdio(string name, string era) =>
        $"\"{name}\": {{ \"command\": \"dotnet\", \"args\": [\"{RepositoryRoot.AssemblyOf(Project)}\", \"--stdio\", \"--era\", \"{era}\"] }}";
}
