using System.Diagnostics;
using McpGateway.Protocol;

namespace McpGateway.Calls;

/// <summary>Spans of the gateway, named as the MCP semantic conventions of OpenTelemetry spell them.</summary>
internal static class GatewayTelemetry
{
    public const string SourceName = "McpGateway";

    private static readonly ActivitySource s_source = new(SourceName);

    /// <summary>The span of one call upstream; null when nobody listens.</summary>
    public static Activity? StartCall(GatewayCall call)
    {
        if (!s_source.HasListeners()) return null;
        var target = call.Shape.Name.IsEmpty ? null : call.Target;
        var activity = s_source.StartActivity(target is null ? call.MethodName : $"{call.MethodName} {target}", ActivityKind.Client);
        activity?.SetTag("mcp.method.name", call.MethodName);
        activity?.SetTag("mcp.gateway.upstream", call.Upstream.Name);
        activity?.SetTag("mcp.protocol.version", call.Upstream.Server?.Version);
        if (call.Shape.Method == McpMethod.ToolsCall) activity?.SetTag("gen_ai.tool.name", target).SetTag("gen_ai.operation.name", "execute_tool");
        return activity;
    }
}
