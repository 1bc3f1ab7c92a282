using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace McpGateway.Bridge.Tests;

/// <summary>A server on a port of its own that can be told how to answer each message; what it is not told, it answers as a server of sessions with one tool.</summary>
internal sealed class OddUpstream : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<(string Method, JsonNode Message)> _arrivals = new();

    private OddUpstream(WebApplication app) => _app = app;

    public string Url => new Uri(new Uri(_app.Urls.First()), "/mcp").ToString();

    /// <summary>Answers in its stead when it returns true.</summary>
    public Func<HttpContext, JsonNode, Task<bool>> Answer { get; set; } = (_, _) => Task.FromResult(false);

    /// <summary>What it answers <c>initialize</c> with.</summary>
    public string Version { get; set; } = "2025-11-25";

    public static async Task<OddUpstream> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var upstream = new OddUpstream(app);
        app.MapPost("/mcp", upstream.PostAsync);
        app.MapDelete("/mcp", static context => context.Response.CompleteAsync());
        await app.StartAsync();
        return upstream;
    }

    public int Count(string method) => _arrivals.Count(arrival => arrival.Method == method);

    public IReadOnlyList<JsonNode> Of(string method) => [.. _arrivals.Where(arrival => arrival.Method == method).Select(arrival => arrival.Message)];

    public static Task WriteAsync(HttpContext context, int status, string body, string type = "application/json")
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = type;
        return context.Response.WriteAsync(body);
    }

    public static Task ResultAsync(HttpContext context, JsonNode message, string result) =>
        WriteAsync(context, 200, $"{{\"jsonrpc\":\"2.0\",\"id\":{message["id"]!.ToJsonString()},\"result\":{result}}}");

    public static Task ErrorAsync(HttpContext context, JsonNode message, int status, int code, string data = "null") =>
        WriteAsync(context, status, $"{{\"jsonrpc\":\"2.0\",\"id\":{message["id"]?.ToJsonString() ?? "null"},\"error\":{{\"code\":{code},\"message\":\"no\",\"data\":{data}}}}}");

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
    }

    private async Task PostAsync(HttpContext context)
    {
        var message = (await JsonNode.ParseAsync(context.Request.Body))!;
        var method = message["method"]?.GetValue<string>() ?? "(answer)";
        _arrivals.Enqueue((method, message));
        if (await Answer(context, message)) return;
        if (message["id"] is null || message["method"] is null) context.Response.StatusCode = 202;
        else await AnswerAsync(context, message, method);
    }

    private Task AnswerAsync(HttpContext context, JsonNode message, string method)
    {
        switch (method)
        {
            case "initialize":
                context.Response.Headers["Mcp-Session-Id"] = Guid.NewGuid().ToString("N");
                return ResultAsync(context, message, $$$"""{"protocolVersion":"{{{Version}}}","capabilities":{"tools":{}},"serverInfo":{"name":"odd","version":"1"}}""");
            case "tools/list":
                return ResultAsync(context, message, """{"tools":[{"name":"echo","inputSchema":{"type":"object"}}]}""");
            case "tools/call":
                return ResultAsync(context, message, """{"content":[{"type":"text","text":"on"}]}""");
            case "ping":
                return ResultAsync(context, message, "{}");
            default:
                return ErrorAsync(context, message, 200, -32601);
        }
    }
}
