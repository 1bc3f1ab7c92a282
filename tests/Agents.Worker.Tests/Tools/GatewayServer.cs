using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Agents.Worker.Tests.Tools;

/// <summary>A stateless MCP server over HTTP on a free port, in the gateway's place: tools named <c>repository__…</c>, answered by the test.</summary>
internal sealed class GatewayServer : IAsyncDisposable
{
    private readonly Dictionary<string, JsonElement> _tools;
    private readonly Func<ToolCall, CancellationToken, Task<CallToolResult>> _answer;
    private readonly int _port;
    private readonly ConcurrentDictionary<HttpContext, bool> _open = new();
    private WebApplication? _app;
    private int _lists;

    private GatewayServer(IReadOnlyDictionary<string, string> tools, Func<ToolCall, CancellationToken, Task<CallToolResult>> answer, int port = 0) =>
        (_tools, _answer, _port) = (tools.ToDictionary(t => t.Key, t => JsonSerializer.Deserialize<JsonElement>(t.Value)), answer, port);

    /// <summary>A call as it came over the wire.</summary>
    internal sealed record ToolCall(string Tool, IReadOnlyDictionary<string, JsonElement> Arguments, string? Affinity, string? TraceParent)
    {
        public string Bare => Tool[(Tool.IndexOf("__", StringComparison.Ordinal) + 2)..];
    }

    public ConcurrentQueue<ToolCall> Calls { get; } = new();

    /// <summary>What a list misses instead of having tools, by the number of lists asked for before; null for nothing.</summary>
    public Func<int, JsonArray?>? Missing { get; set; }

    /// <summary>Whether a tool says that it only reads; all do by default, the others say nothing.</summary>
    public Predicate<string> OnlyReads { get; set; } = _ => true;

    /// <summary>Awaited before each request is answered, with its method; a request for which it throws is answered 503.</summary>
    public Func<string, CancellationToken, Task>? Before { get; set; }

    /// <summary>Methods of all requests, in order.</summary>
    public ConcurrentQueue<string> Methods { get; } = new();

    public string Endpoint { get; private set; } = "";

    /// <param name="tools">Input schema by name.</param>
    /// <param name="answer">What each call gives.</param>
    /// <param name="endpoint">An address to take again; null for a free port.</param>
    public static async Task<GatewayServer> StartAsync(
        IReadOnlyDictionary<string, string> tools, Func<ToolCall, CancellationToken, Task<CallToolResult>> answer, string? endpoint = null)
    {
        var server = new GatewayServer(tools, answer, endpoint is null ? 0 : new Uri(endpoint).Port);
        await server.StartAsync();
        return server;
    }

    /// <summary>A result with text and the structured answer beside it.</summary>
    public static CallToolResult Result(object structured, string? text = null)
    {
        var json = JsonSerializer.SerializeToElement(structured);
        return new CallToolResult { Content = [new TextContentBlock { Text = text ?? json.GetRawText() }], StructuredContent = json };
    }

    public static CallToolResult Error(string text) => new() { Content = [new TextContentBlock { Text = text }], IsError = true };

    /// <summary>Dies: open calls are cut off and the port is closed.</summary>
    public async Task KillAsync()
    {
        if (Interlocked.Exchange(ref _app, null) is not { } app) return;
        foreach (var context in _open.Keys) context.Abort();
        using var now = new CancellationTokenSource(TimeSpan.Zero, TimeProvider.System);
        await app.StopAsync(now.Token);
        await app.DisposeAsync();
    }

    public async ValueTask DisposeAsync() => await KillAsync();

    private async Task StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{_port}");
        var app = builder.Build();
        app.MapPost("/mcp", PostAsync);
        await app.StartAsync();
        _app = app;
        Endpoint = app.Urls.Single() + "/mcp";
    }

    private async Task PostAsync(HttpContext context)
    {
        _open[context] = true;
        try
        {
            await AnswerAsync(context);
        }
        finally
        {
            _open.TryRemove(context, out _);
        }
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var message = (JsonRpcMessage)(await context.Request.ReadFromJsonAsync(McpJsonUtilities.DefaultOptions.GetTypeInfo(typeof(JsonRpcMessage)), context.RequestAborted))!;
        if (message is JsonRpcRequest request) Methods.Enqueue(request.Method);
        if (message is JsonRpcRequest { Method: var method } && Before is { } before && !await AllowsAsync(before, method, context)) return;
        message.Context = new JsonRpcMessageContext { ProtocolVersion = context.Request.Headers["MCP-Protocol-Version"] };
        await using var transport = new StreamableHttpServerTransport(NullLoggerFactory.Instance) { Stateless = true };
        await using var server = McpServer.Create(transport, Options(context), NullLoggerFactory.Instance, context.RequestServices);
        var running = server.RunAsync(context.RequestAborted);
        context.Response.ContentType = "text/event-stream";
        if (!await transport.HandlePostRequestAsync(message, context.Response.Body, context.RequestAborted)) context.Response.StatusCode = 202;
        await transport.DisposeAsync();
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static async Task<bool> AllowsAsync(Func<string, CancellationToken, Task> before, string method, HttpContext context)
    {
        try
        {
            await before(method, context.RequestAborted);
            return true;
        }
        catch (InvalidOperationException)
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return false;
        }
    }

    private McpServerOptions Options(HttpContext http) => new()
    {
        ServerInfo = new Implementation { Name = "test-gateway", Version = "1" },
        Handlers = new McpServerHandlers
        {
            ListToolsHandler = (_, _) => ValueTask.FromResult(List()),
            CallToolHandler = async (request, cancellationToken) =>
            {
                var call = new ToolCall(
                    request.Params!.Name,
                    (IReadOnlyDictionary<string, JsonElement>?)request.Params.Arguments?.AsReadOnly() ?? new Dictionary<string, JsonElement>(),
                    http.Request.Headers["Mcp-Affinity"],
                    request.Params.Meta?["traceparent"]?.GetValue<string>());
                Calls.Enqueue(call);
                return await _answer(call, cancellationToken);
            },
        },
    };

    private ListToolsResult List() => Missing?.Invoke(Interlocked.Increment(ref _lists) - 1) is { } missing
        ? new ListToolsResult { Tools = [], Meta = new JsonObject { ["mcp-gateway/missing"] = missing } }
        : new ListToolsResult
        {
            Tools = [.. _tools.Select(t => new Tool { Name = t.Key, Description = t.Key, InputSchema = t.Value, Annotations = OnlyReads(t.Key) ? new ToolAnnotations { ReadOnlyHint = true } : null })],
        };
}
