namespace Benchmarks.Load;

/// <summary>The load's side of the connections: kept, unlimited, and with nothing that a proxy would not do either.</summary>
internal static class Connections
{
    public static HttpMessageInvoker Open() => new(new SocketsHttpHandler
    {
        UseCookies = false,
        UseProxy = false,
        AllowAutoRedirect = false,
        ActivityHeadersPropagator = null,
        PooledConnectionIdleTimeout = TimeSpan.FromMinutes(2),
    });
}
