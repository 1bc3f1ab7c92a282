using Microsoft.Extensions.Options;
using ModelContextProtocol.Client;

namespace Agents.Worker.Tools;

/// <summary>Opens the way to the gateway's tools for one agent of one run.</summary>
internal sealed class GatewayTools(IHttpMessageHandlerFactory handlers, IOptions<ToolOptions> options, TimeProvider time, ILoggerFactory loggers)
{
    /// <summary>The named HTTP client: service discovery, but nothing that repeats a request. A tool call must never be repeated blindly.</summary>
    public const string HttpClientName = "mcp-gateway";

    private const string AffinityHeader = "Mcp-Affinity";

    /// <param name="affinity">Holds one upstream session for the agent: <c>run/agent</c>.</param>
    /// <param name="filter">The tools the agent may use.</param>
    public AgentTools For(string affinity, ToolFilter filter) =>
        new(cancellationToken => ConnectAsync(affinity, cancellationToken), filter, options.Value, time, loggers.CreateLogger<AgentTools>());

    private async Task<McpClient> ConnectAsync(string affinity, CancellationToken cancellationToken)
    {
        var endpoint = new Uri(options.Value.Endpoint);
        var transport = new HttpClientTransport(
            new HttpClientTransportOptions
            {
                Endpoint = DiscoveryScheme.ForSdk(endpoint),
                TransportMode = HttpTransportMode.StreamableHttp,
                AdditionalHeaders = new Dictionary<string, string> { [AffinityHeader] = affinity },
            },
            new HttpClient(new DiscoveryScheme(endpoint, handlers.CreateHandler(HttpClientName)), disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan },
            loggers,
            ownsHttpClient: true);
        return await McpClient.CreateAsync(
            transport,
            new McpClientOptions { InitializationTimeout = options.Value.ConnectTimeout, ClientInfo = new() { Name = "agents-worker", Version = "1.0" } },
            loggers,
            cancellationToken).ConfigureAwait(false);
    }
}
