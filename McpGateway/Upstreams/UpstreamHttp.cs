using System.Net;

namespace McpGateway.Upstreams;

/// <summary>How the gateway speaks HTTP to upstreams: kept connections, no redirects, no cookies, no retries of its own.</summary>
internal static class UpstreamHttp
{
    /// <summary>A client with connections of its own, so that one slow upstream cannot use up another's. It has no time limit: each call brings one.</summary>
    public static HttpMessageInvoker CreateClient() => new(CreateHandler());

    private static SocketsHttpHandler CreateHandler() => new()
    {
        // A redirect could send a credential elsewhere, and a cookie of one caller could come back with another.
        AllowAutoRedirect = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.None,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        PooledConnectionLifetime = TimeSpan.FromMinutes(10),
        PooledConnectionIdleTimeout = TimeSpan.FromMinutes(2),
        EnableMultipleHttp2Connections = true,
        // A span of its own for each request would double the one of the call, which the links pass on instead.
        ActivityHeadersPropagator = null,
    };
}
