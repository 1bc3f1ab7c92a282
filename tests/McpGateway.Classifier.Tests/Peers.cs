using FaultyUpstream.Control;
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

    private readonly TemporaryDirectory _directory = new();

    /// <summary>What the child processes leave of themselves.</summary>
    private UpstreamRecord Record => new(_directory.FullPath);

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
            $"\"stdio\": {{ \"command\": \"dotnet\", \"args\": [\"{RepositoryRoot.AssemblyOf("tests/FaultyUpstream")}\", \"--stdio\", \"--record\", \"{_directory.FullPath}\"]{Untouched} }}");
    }

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        foreach (var host in new[] { Http, Sse, Trusted }) await host.DisposeAsync();
        _directory.Dispose();
    }

    internal static string Name(UpstreamTransport transport) => transport switch
    {
        UpstreamTransport.StreamableHttp => "http",
        UpstreamTransport.Sse => "sse",
        _ => "stdio",
    };

    internal FaultyUpstreamHost Host(UpstreamTransport transport) => transport == UpstreamTransport.Sse ? Sse : Http;

    /// <summary>Everybody behaves, the upstream has a free session, and the calls before have given theirs back: a caller has his answer a moment earlier.</summary>
    internal async Task SettleAsync(string upstream)
    {
        foreach (var host in new[] { Http, Sse, Trusted }) host.Control.Behave();
        await TellProcessesAsync(control => control.BehaveAsync());
        await Gateway.ReadyAsync(upstream, report => report["pool"]!["leased"]!.GetValue<int>() == 0);
    }

    /// <summary>Sets the fault for the sessions that are open now, and for no later one.</summary>
    internal async Task SpoilAsync(UpstreamTransport transport, Fault fault)
    {
        if (transport == UpstreamTransport.Stdio)
        {
            await TellProcessesAsync(control => control.SetAsync(fault));
            return;
        }

        var control = Host(transport).Control;
        foreach (var session in control.Read().Sessions) control.Set(fault with { Session = session.Id });
    }

    /// <summary>How often a call ran, in all processes, those that have ended included.</summary>
    internal int Executions(UpstreamTransport transport, string callId) =>
        (transport == UpstreamTransport.Stdio ? Record.Executions : Host(transport).Control.Read().Counters.Executions).GetValueOrDefault(callId);

    /// <summary>How many cancellations the upstream has received.</summary>
    internal int Cancellations(UpstreamTransport transport) =>
        transport == UpstreamTransport.Stdio ? Record.Cancellations.Count : Host(transport).Control.Read().Counters.Cancellations.Count(cancelled => cancelled.Running);

    /// <summary>Ends a client's session, and with it the upstream sessions that were its own.</summary>
    internal async Task EndAsync(string session)
    {
        using var delete = new HttpRequestMessage(HttpMethod.Delete, "/mcp");
        delete.Headers.Add("Mcp-Session-Id", session);
        using var response = await Gateway.Client.SendAsync(delete);
        response.StatusCode.ShouldBe(System.Net.HttpStatusCode.NoContent);
    }

    /// <summary>When and why the gateway last closed a session of the upstream; changes with the next.</summary>
    internal async Task<string> LastClosedAsync(string upstream) =>
        (await Gateway.ReportAsync(upstream))["timeline"]!.AsArray().FirstOrDefault(happened => happened!["what"]!.GetValue<string>() == "session closed")?.ToJsonString() ?? "never";

    /// <summary>Tells every child process that lives.</summary>
    private async Task TellProcessesAsync(Func<ControlClient, Task> tell)
    {
        foreach (var (_, address) in Record.Controls)
        {
            using var control = new ControlClient(address);
            try
            {
                await tell(control);
            }
            catch (HttpRequestException)
            {
                // That process has ended, and its faults with it.
            }
        }
    }
}
