using System.Net.Http.Json;
using FaultyUpstream.Control;
using FaultyUpstream.Server;
using McpGateway.Tests.Wire;

namespace McpGateway.Classifier.Tests;

/// <summary>
/// One gateway before misbehaving upstreams of each transport. Its tests run one after another and leave every upstream
/// well-behaved, so that the health of the pools after a fault is part of what the next one needs.
/// </summary>
[CollectionDefinition(nameof(Peers))]
public sealed class Peers : IAsyncLifetime, ICollectionFixture<Peers>
{
    private const string Untouched = """, "pool": { "maxLifetime": "24h", "idleTimeout": "1h", "keepAlive": "30m", "bypassWindow": "30m" } """;

    private readonly HttpClient _control = new();

    internal GatewayProcess Gateway { get; private set; } = null!;

    internal FaultyUpstreamHost Http { get; private set; } = null!;

    internal FaultyUpstreamHost Sse { get; private set; } = null!;

    /// <summary>Over Streamable HTTP, and trusted by the operator.</summary>
    internal FaultyUpstreamHost Trusted { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        (Http, Sse, Trusted) = (await FaultyUpstreamHost.StartAsync(), await FaultyUpstreamHost.StartAsync(), await FaultyUpstreamHost.StartAsync());
        Gateway = await GatewayProcess.StartAsync(
            GatewayProcess.Entry("http", $"{Http.Mcp}", $", \"type\": \"http\"{Untouched}"),
            GatewayProcess.Entry("sse", $"{Sse.Sse}", $", \"type\": \"sse\"{Untouched}"),
            GatewayProcess.Entry("trusted", $"{Trusted.Mcp}", $", \"type\": \"http\", \"trusted\": true{Untouched}"),
            $"\"stdio\": {{ \"command\": \"dotnet\", \"args\": [\"{RepositoryRoot.AssemblyOf("tests/FaultyUpstream")}\", \"--stdio\"]{Untouched} }}");
    }

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        foreach (var host in new[] { Http, Sse, Trusted }) await host.DisposeAsync();
        _control.Dispose();
    }

    internal static string Name(UpstreamTransport transport) => transport switch
    {
        UpstreamTransport.StreamableHttp => "http",
        UpstreamTransport.Sse => "sse",
        _ => "stdio",
    };

    internal FaultyUpstreamHost Host(UpstreamTransport transport) => transport == UpstreamTransport.Sse ? Sse : Http;

    /// <summary>Everybody behaves, and the upstream has a free session.</summary>
    internal async Task SettleAsync(string upstream)
    {
        foreach (var host in new[] { Http, Sse, Trusted }) host.Control.Behave();
        if (upstream == "stdio")
        {
            foreach (var process in await ProcessesAsync()) await BehaveAsync(process.Control);
        }

        await Gateway.ReadyAsync(upstream);
    }

    /// <summary>Sets the fault for the sessions that are open now, and for no later one.</summary>
    internal async Task SpoilAsync(UpstreamTransport transport, Fault fault)
    {
        if (transport == UpstreamTransport.Stdio)
        {
            foreach (var process in await ProcessesAsync())
            {
                using var set = await _control.PostAsJsonAsync(new Uri($"{process.Control}/faults"), fault, ControlJson.Options);
                set.IsSuccessStatusCode.ShouldBeTrue(await set.Content.ReadAsStringAsync());
            }

            return;
        }

        var control = Host(transport).Control;
        foreach (var session in control.Read().Sessions) control.Set(fault with { Session = session.Id });
    }

    /// <summary>How often a call ran, in all processes that live.</summary>
    internal async Task<int> ExecutionsAsync(UpstreamTransport transport, string callId) => transport == UpstreamTransport.Stdio
        ? (await ProcessesAsync()).Sum(process => process.Report.Counters.Executions.GetValueOrDefault(callId))
        : Host(transport).Control.Read().Counters.Executions.GetValueOrDefault(callId);

    /// <summary>When the gateway last closed a session of the upstream; changes with the next.</summary>
    internal async Task<string> LastClosedAsync(string upstream) =>
        (await Gateway.ReportAsync(upstream))["timeline"]!.AsArray().FirstOrDefault(happened => happened!["what"]!.GetValue<string>() == "session closed")?["at"]!.ToJsonString() ?? "never";

    private async Task BehaveAsync(string control)
    {
        try
        {
            using var done = await _control.DeleteAsync(new Uri($"{control}/faults"));
        }
        catch (HttpRequestException)
        {
            // That process has ended since it was asked, and its faults with it.
        }
    }

    /// <summary>The child processes that live, by the address of their control, which they write to standard error.</summary>
    private async Task<List<(string Control, UpstreamReport Report)>> ProcessesAsync()
    {
        const string Said = "Upstream stdio: control: ";
        var alive = new List<(string, UpstreamReport)>();
        foreach (var line in Gateway.Service.Output.Where(line => line.Contains(Said, StringComparison.Ordinal)))
        {
            var address = line[(line.IndexOf(Said, StringComparison.Ordinal) + Said.Length)..].Trim();
            try
            {
                alive.Add((address, (await _control.GetFromJsonAsync<UpstreamReport>(new Uri(address), ControlJson.Options))!));
            }
            catch (HttpRequestException)
            {
                // That process has ended.
            }
        }

        return alive;
    }
}
