using McpGateway.Endpoints;
using McpGateway.Endpoints.Streams;
using McpGateway.Upstreams;

namespace Microsoft.AspNetCore.Builder;

/// <summary>The gateway's addresses.</summary>
internal static class GatewayRoutes
{
    /// <summary>The operators' addresses and the method of each. Mapped without a method besides, which a route with one goes before: else another method meets a 405 that says nothing.</summary>
    private static readonly (string Path, string Method)[] s_operators =
    [
        ("/upstreams", "GET"), ("/upstreams/{name}", "GET"), ("/sessions", "GET"),
        ("/upstreams/{name}/warm", "POST"), ("/upstreams/{name}/clear", "POST"), ("/upstreams/{name}/drain", "POST"),
    ];

    /// <summary>Maps Streamable HTTP on <c>/mcp</c> and <c>/mcp/{upstream}</c>, and the HTTP+SSE pair beside each; at the root too, where clients of that age look for it.</summary>
    public static WebApplication MapMcp(this WebApplication app)
    {
        // Taken once: what a handler asks for by parameter costs a scope of services in every call.
        var endpoint = app.Services.GetRequiredService<McpEndpoint>();
        var sessions = app.Services.GetRequiredService<SessionEndpoint>();
        var pair = app.Services.GetRequiredService<SseEndpoint>();
        app.MapPost("/mcp", context => endpoint.PostAsync(context, null));
        app.MapGet("/mcp", context => sessions.GetAsync(context, null));
        app.MapDelete("/mcp", context => sessions.DeleteAsync(context, null));
        app.MapPost("/mcp/{upstream}", context => endpoint.PostAsync(context, Upstream(context)));
        app.MapGet("/mcp/{upstream}", context => sessions.GetAsync(context, Upstream(context)));
        app.MapDelete("/mcp/{upstream}", context => sessions.DeleteAsync(context, Upstream(context)));
        foreach (var root in new[] { "", "/mcp" })
        {
            app.MapGet($"{root}/sse", context => pair.GetAsync(context, null, $"{root}/message"));
            app.MapPost($"{root}/message", context => pair.PostAsync(context, null));
        }

        app.MapGet("/mcp/{upstream}/sse", context => pair.GetAsync(context, Upstream(context), $"/mcp/{Upstream(context)}/message"));
        app.MapPost("/mcp/{upstream}/message", context => pair.PostAsync(context, Upstream(context)));
        return app;
    }

    /// <summary>Maps what operators look at.</summary>
    public static WebApplication MapOperators(this WebApplication app)
    {
        app.MapGet("/upstreams", static (UpstreamRegistry upstreams) => Results.Json(OperatorEndpoint.List(upstreams), OperatorJson.Options));
        app.MapGet("/upstreams/{name}", static (UpstreamRegistry upstreams, string name) => OperatorEndpoint.Find(upstreams, name));
        app.MapGet("/sessions", static (ClientSessions sessions, StreamHub hub, TimeProvider time) => Results.Json(SessionReports.Read(sessions, hub, time), OperatorJson.Options));
        app.MapPost("/upstreams/{name}/warm", static (UpstreamRegistry upstreams, string name, string? count) => OperatorEndpoint.Warm(upstreams, name, count));
        app.MapPost("/upstreams/{name}/clear", static (UpstreamRegistry upstreams, string name) => OperatorEndpoint.Clear(upstreams, name));
        app.MapPost("/upstreams/{name}/drain", static (UpstreamRegistry upstreams, string name) => OperatorEndpoint.Drain(upstreams, name));
        foreach (var (path, allowed) in s_operators) app.Map(path, context => OperatorEndpoint.RefuseMethod(context, allowed).ExecuteAsync(context));
        app.Map("/upstreams/{name}/{operation}", static (string operation) => OperatorEndpoint.RefuseOperation(operation));
        return app;
    }

    private static string? Upstream(HttpContext context) => (string?)context.Request.RouteValues["upstream"];
}
