using McpGateway.Endpoints;
using McpGateway.Upstreams;

namespace Microsoft.AspNetCore.Builder;

/// <summary>The gateway's addresses.</summary>
internal static class GatewayRoutes
{
    /// <summary>Maps <c>/mcp</c> and <c>/mcp/{upstream}</c>. GET is answered 405: the gateway has nothing to say outside a call yet, and clients know that answer.</summary>
    public static WebApplication MapMcp(this WebApplication app)
    {
        // Taken once: what a handler asks for by parameter costs a scope of services in every call.
        var endpoint = app.Services.GetRequiredService<McpEndpoint>();
        app.MapPost("/mcp", context => endpoint.PostAsync(context, null));
        app.MapDelete("/mcp", static (HttpContext context, McpEndpoint endpoint) => endpoint.DeleteAsync(context, null));
        app.MapPost("/mcp/{upstream}", context => endpoint.PostAsync(context, (string?)context.Request.RouteValues["upstream"]));
        app.MapDelete("/mcp/{upstream}", static (HttpContext context, McpEndpoint endpoint, string upstream) => endpoint.DeleteAsync(context, upstream));
        return app;
    }

    /// <summary>Maps what operators look at.</summary>
    public static WebApplication MapOperators(this WebApplication app)
    {
        app.MapGet("/upstreams", static (UpstreamRegistry upstreams) => Results.Json(OperatorEndpoint.List(upstreams), OperatorJson.Options));
        app.MapGet("/upstreams/{name}", static (UpstreamRegistry upstreams, string name) => OperatorEndpoint.Find(upstreams, name));
        app.MapPost("/upstreams/{name}/warm", static (UpstreamRegistry upstreams, string name, int? count) => OperatorEndpoint.Warm(upstreams, name, count));
        app.MapPost("/upstreams/{name}/clear", static (UpstreamRegistry upstreams, string name) => OperatorEndpoint.Clear(upstreams, name));
        app.MapPost("/upstreams/{name}/drain", static (UpstreamRegistry upstreams, string name) => OperatorEndpoint.Drain(upstreams, name));
        return app;
    }
}
