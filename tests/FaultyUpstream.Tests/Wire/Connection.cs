namespace FaultyUpstream.Tests.Wire;

/// <summary>
/// A client that knows no MCP: it writes messages and shows what comes back. What a request gets is told as one line: <c>{status} {type} {body}</c> for
/// an HTTP answer (an event's data being the body), <c>stream {data}</c> for an event on the stream of HTTP+SSE, <c>line {json}</c> on stdio.
/// </summary>
internal abstract class Connection : IAsyncDisposable
{
    protected Connection(FaultyUpstreamHost host) => Host = host;

    public FaultyUpstreamHost Host { get; }

    public UpstreamControl Control => Host.Control;

    /// <summary>Sends a request and gives what it gets.</summary>
    public abstract Task<string> AskAsync(string message);

    /// <summary>Sends a message without waiting for more than its acknowledgement.</summary>
    public abstract Task TellAsync(string message);

    public abstract ValueTask DisposeAsync();

    /// <summary>A connection on which the handshake is done.</summary>
    public static async Task<Connection> OpenAsync(UpstreamTransport transport, FaultyUpstreamOptions? options = null)
    {
        var connection = await ConnectAsync(transport, options);
        await connection.ShakeHandsAsync();
        return connection;
    }

    public static async Task<Connection> ConnectAsync(UpstreamTransport transport, FaultyUpstreamOptions? options = null) => transport switch
    {
        UpstreamTransport.StreamableHttp => new HttpConnection(await FaultyUpstreamHost.StartAsync(options, TestContext.Current.CancellationToken)),
        UpstreamTransport.Sse => await SseConnection.ConnectAsync(await FaultyUpstreamHost.StartAsync(options, TestContext.Current.CancellationToken)),
        _ => await StdioConnection.ConnectAsync(options),
    };

    public virtual async Task ShakeHandsAsync()
    {
        (await AskAsync(Messages.Initialize())).ShouldContain("\"protocolVersion\":\"2025-11-25\"");
        await TellAsync(Messages.Initialized);
    }
}
