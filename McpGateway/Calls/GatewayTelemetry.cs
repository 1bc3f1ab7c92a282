using System.Diagnostics;
using McpGateway.Protocol;

namespace McpGateway.Calls;

/// <summary>Spans of the gateway, named as the MCP semantic conventions of OpenTelemetry spell them.</summary>
internal static class GatewayTelemetry
{
    public const string SourceName = "McpGateway";

    private static readonly ActivitySource s_source = new(SourceName);

    /// <summary>
    /// The span of one call upstream; null when nobody listens. A trace in <c>_meta</c> is its parent, and the HTTP request's span then a
    /// link, as the conventions ask; without one the HTTP request is the parent.
    /// </summary>
    public static Activity? StartCall(GatewayCall call)
    {
        if (!s_source.HasListeners()) return null;
        var target = call.Shape.Name.IsEmpty ? null : call.Target;
        var name = target is null ? call.MethodName : $"{call.MethodName} {target}";
        var parent = CallTrace.ContextOf(call.Shape.Meta.Of(call.Message.Span));
        var activity = parent == default
            ? s_source.StartActivity(name, ActivityKind.Client)
            : s_source.StartActivity(name, ActivityKind.Client, parent, links: Activity.Current is { } request ? [new ActivityLink(request.Context)] : null);
        activity?.SetTag("mcp.method.name", call.MethodName);
        activity?.SetTag("mcp.gateway.upstream", call.Upstream.Name);
        activity?.SetTag("mcp.protocol.version", call.Upstream.Server?.Version);
        if (call.Shape.Method == McpMethod.ToolsCall) activity?.SetTag("gen_ai.tool.name", target).SetTag("gen_ai.operation.name", "execute_tool");
        return activity;
    }
}
