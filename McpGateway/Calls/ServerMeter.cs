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
        var operation = new ServerOperation(this, context, JsonText.Read(shape.MethodName.Of(message)) ?? "", time.GetTimestamp());
        context.Features.Set(operation);
        return operation;
    }

    /// <summary>A client's session has ended.</summary>
    /// <param name="openedAt">Timestamp of its beginning.</param>
    /// <param name="version">The revision it spoke.</param>
    public void SessionEnded(long openedAt, string version)
    {
        if (metrics.ServerSession.Enabled) metrics.ServerSession.Record(time.GetElapsedTime(openedAt).TotalSeconds, new("mcp.protocol.version", version), new("network.transport", "tcp"), new("network.protocol.name", "http"));
    }

    public void Record(ServerOperation operation, HttpRequest request, OperationEnd end)
    {
        var tags = new TagList { { "mcp.method.name", McpMethodNames.Bounded(operation.Method) }, { "network.transport", "tcp" }, { "network.protocol.name", "http" } };
        end.AddTo(ref tags);
        // Only what is spoken here: a header can say anything.
        var version = request.Headers[McpHeader.ProtocolVersion].ToString();
        if (version == McpVersion.Modern || McpVersion.IsLegacy(version)) tags.Add("mcp.protocol.version", version);
        if (operation.Method == McpMethodNames.ToolsCall) tags.Add("gen_ai.operation.name", "execute_tool");
        if (operation.Tool is { } tool) tags.Add("gen_ai.tool.name", tool);
        metrics.Server.Record(time.GetElapsedTime(operation.StartedAt).TotalSeconds, tags);
    }
}

/// <summary>One request being measured, kept at its HTTP context; the disposal records it.</summary>
internal sealed class ServerOperation(ServerMeter meter, HttpContext context, string method, long startedAt) : IDisposable
{
    private OperationEnd _end;

    public string Method => method;

    /// <summary>Timestamp.</summary>
    public long StartedAt => startedAt;

    /// <summary>The tool as the client names it, once an upstream is known to list it.</summary>
    public string? Tool { get; set; }

    /// <summary>The one being measured for this request; null when nobody listens.</summary>
    public static ServerOperation? Of(HttpContext context) => context.Features.Get<ServerOperation>();

    /// <summary>Notes an end other than a plain result.</summary>
    public static void Note(HttpContext context, OperationEnd end)
    {
        if (Of(context) is { } operation) operation._end = end;
    }

    public void Dispose() => meter.Record(this, context.Request, _end);
}
