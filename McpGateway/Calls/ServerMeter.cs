using System.Diagnostics;
using McpGateway.Protocol;

namespace McpGateway.Calls;

/// <summary>Measures what clients ask of the gateway: each request from its scan to the end of its answer, and each of their sessions.</summary>
internal sealed class ServerMeter(CallMetrics metrics, TimeProvider time)
{
    /// <summary>Starts to measure a request; null when nobody listens, or it is none.</summary>
    public ServerOperation? Start(HttpContext context, ReadOnlySpan<byte> message, MessageShape shape)
    {
        if (!metrics.Server.Enabled || shape.Kind != MessageKind.Request) return null;
        // Taken now: a session's call may outlive the request that brought it.
        var version = context.Request.Headers[McpHeader.ProtocolVersion].ToString();
        return new ServerOperation(this, JsonText.Read(shape.MethodName.Of(message)) ?? "", version, time.GetTimestamp());
    }

    /// <summary>A client's session has ended.</summary>
    /// <param name="openedAt">Timestamp of its beginning.</param>
    /// <param name="version">The revision it spoke.</param>
    public void SessionEnded(long openedAt, string version)
    {
        if (metrics.ServerSession.Enabled) metrics.ServerSession.Record(time.GetElapsedTime(openedAt).TotalSeconds, new("mcp.protocol.version", version), new("network.transport", "tcp"), new("network.protocol.name", "http"));
    }

    public void Record(ServerOperation operation, OperationEnd end)
    {
        var tags = new TagList { { "mcp.method.name", McpMethodNames.Bounded(operation.Method) }, { "network.transport", "tcp" }, { "network.protocol.name", "http" } };
        end.AddTo(ref tags);
        // Only what is spoken here: a header can say anything.
        if (operation.Version == McpVersion.Modern || McpVersion.IsLegacy(operation.Version)) tags.Add("mcp.protocol.version", operation.Version);
        if (operation.Method == McpMethodNames.ToolsCall) tags.Add("gen_ai.operation.name", "execute_tool");
        if (operation.Tool is { } tool) tags.Add("gen_ai.tool.name", tool);
        metrics.Server.Record(time.GetElapsedTime(operation.StartedAt).TotalSeconds, tags);
    }
}

/// <summary>One request being measured; the disposal records it.</summary>
internal sealed class ServerOperation(ServerMeter meter, string method, string version, long startedAt) : IDisposable
{
    private OperationEnd _end;

    public string Method => method;

    /// <summary>What the request's header says; empty when it has none.</summary>
    public string Version => version;

    /// <summary>Timestamp.</summary>
    public long StartedAt => startedAt;

    /// <summary>The tool as the client names it, once an upstream is known to list it.</summary>
    public string? Tool { get; set; }

    /// <summary>Notes an end other than a plain result.</summary>
    public void Note(OperationEnd end) => _end = end;

    public void Dispose() => meter.Record(this, _end);
}
