namespace Agents.Worker.Tools;

/// <summary>
/// Lets the MCP SDK, which takes only <c>http</c> and <c>https</c>, call an address of service discovery such as
/// <c>https+http://mcp-gateway/mcp</c>: the SDK is given one of the schemes, and each request gets the configured one back before it
/// is resolved.
/// </summary>
internal sealed class DiscoveryScheme(Uri configured, HttpMessageHandler inner) : DelegatingHandler(inner)
{
    /// <summary>The configured address as the SDK takes it.</summary>
    public static Uri ForSdk(Uri configured) => new UriBuilder(configured) { Scheme = configured.Scheme.Split('+')[^1] }.Uri;

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.RequestUri is { } uri && uri.Host == configured.Host) request.RequestUri = new Uri($"{configured.Scheme}://{uri.Authority}{uri.PathAndQuery}");
        return base.SendAsync(request, cancellationToken);
    }
}
