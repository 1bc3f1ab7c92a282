using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace McpGateway.Tests.Wire;

/// <summary>How a <see cref="ScriptedUpstream"/> speaks.</summary>
internal enum Speech
{
    /// <summary>Streamable HTTP of 2025-11-25 with sessions.</summary>
    Sessions,

    /// <summary>Streamable HTTP of 2025-11-25 that gives no session id.</summary>
    Stateless,

    /// <summary>HTTP+SSE of 2024-11-05.</summary>
    Sse,

    /// <summary>2026-07-28.</summary>
    Modern,
}

/// <summary>One message that reached the upstream.</summary>
internal sealed record Arrival(string Method, string? Session, JsonNode? Body, IHeaderDictionary Headers);

/// <summary>
/// A real MCP server on a port of its own that records every message and misbehaves when told to. Its tools: <c>echo</c>,
/// <c>remember</c> and <c>recall</c> (state of the session), <c>progress</c>, <c>slow</c> (until released or cancelled),
/// <c>cut</c> (runs, then breaks the connection), <c>ask</c> (asks its client something within the call), <c>steps</c> (progress,
/// then waits until released, more progress, its answer).
/// </summary>
internal sealed class ScriptedUpstream : IAsyncDisposable
{
    private static readonly string[] s_tools = ["echo", "remember", "recall", "progress", "slow", "cut", "ask", "steps"];

    /// <summary>How many tools it lists unless it is given more.</summary>
    public static int OwnTools => s_tools.Length;

    private readonly WebApplication _app;
    private readonly ConcurrentQueue<Arrival> _arrivals = new();
    private readonly ConcurrentDictionary<string, string> _sessions = new();
    private readonly ConcurrentDictionary<string, HttpResponse> _streams = new();
    private readonly ConcurrentDictionary<string, int> _runs = new();
    private readonly SemaphoreSlim _writing = new(1);

    private ScriptedUpstream(WebApplication app, Speech speech) => (_app, Speech) = (app, speech);

    public Speech Speech { get; }

    public Uri BaseAddress => new(_app.Urls.First());

    public string Url => new Uri(BaseAddress, Speech == Speech.Sse ? "/sse" : "/mcp").ToString();

    public IReadOnlyList<Arrival> Arrivals => [.. _arrivals];

    /// <summary>Answers a message in its stead when it returns true.</summary>
    public Func<HttpContext, JsonNode?, Task<bool>>? Misbehave { get; set; }

    /// <summary>Tools it lists beside its own; they cannot be called.</summary>
    public ConcurrentQueue<string> MoreTools { get; } = new();

    /// <summary>Prompts it has, by name; each says its name when it is got.</summary>
    public ConcurrentQueue<string> Prompts { get; } = new();

    /// <summary>Resources it has; each says its URI and <see cref="Greeting"/> when it is read.</summary>
    public ConcurrentQueue<string> Resources { get; } = new();

    /// <summary>Templates of resources it has; reads of what follows from them are answered alike.</summary>
    public ConcurrentQueue<string> Templates { get; } = new();

    /// <summary>How it introduces itself, in its instructions and in its resources; null for no instructions.</summary>
    public string? Greeting { get; set; }

    /// <summary>Entries of a page of its lists beside tools.</summary>
    public int PageSize { get; set; } = 100;

    /// <summary>Lets <c>slow</c> and <c>steps</c> answer.</summary>
    public TaskCompletionSource Release { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completed when a running <c>slow</c> was given up by its connection.</summary>
    public TaskCompletionSource Abandoned { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static async Task<ScriptedUpstream> StartAsync(Speech speech, int port = 0)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        var app = builder.Build();
        var upstream = new ScriptedUpstream(app, speech);
        app.MapPost("/mcp", upstream.PostAsync);
        app.MapPost("/sse", upstream.PostAsync);
        app.MapDelete("/mcp", upstream.DeleteAsync);
        app.MapGet("/sse", upstream.StreamAsync);
        app.MapPost("/message", upstream.MessageAsync);
        await app.StartAsync();
        return upstream;
    }

    /// <summary>Sessions opened and neither ended nor dropped.</summary>
    public int OpenSessions => _sessions.Count;

    public int Count(string method) => _arrivals.Count(arrival => arrival.Method == method);

    public int Runs(string tool) => _runs.GetValueOrDefault(tool);

    /// <summary>Forgets all sessions, as a restart does.</summary>
    public void DropSessions() => _sessions.Clear();

    /// <summary>Says something to every open session of HTTP+SSE, outside any call.</summary>
    public async Task SayAsync(JsonNode message)
    {
        foreach (var stream in _streams.Values) await WriteEventAsync(stream, message);
    }

    public async ValueTask DisposeAsync()
    {
        Release.TrySetResult();
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }

    private async Task PostAsync(HttpContext context)
    {
        var message = await ReadAsync(context);
        if (Misbehave is { } misbehave && await misbehave(context, message)) return;
        var method = message["method"]?.GetValue<string>();
        if (Speech == Speech.Sse || (Speech != Speech.Modern && method == "server/discover")) await RefuseAsync(context, 400, "Bad Request: Server not initialized");
        else if (method == "initialize" && Speech != Speech.Modern) await InitializeAsync(context, message);
        else if (Speech == Speech.Sessions && !_sessions.ContainsKey(SessionOf(context) ?? "")) await RefuseAsync(context, 404, "Session not found");
        else if (message["id"] is null || method is null) context.Response.StatusCode = 202;
        else await AnswerAsync(context, message, method);
    }

    private Task InitializeAsync(HttpContext context, JsonNode message)
    {
        if (Speech == Speech.Sessions)
        {
            var id = Guid.NewGuid().ToString("N");
            _sessions[id] = "";
            context.Response.Headers["Mcp-Session-Id"] = id;
        }

        return ReplyAsync(context, message, Introduction());
    }

    private async Task AnswerAsync(HttpContext context, JsonNode message, string method)
    {
        if (method == "tools/call") await CallAsync(context, message);
        else if ((Listing(method) ?? Other(message, method)) is { } result) await ReplyAsync(context, message, result);
        else await WriteJsonAsync(context, Speech == Speech.Modern ? 404 : 200, Error(message, -32601, $"no method {method}"));
    }

    private async Task CallAsync(HttpContext context, JsonNode message)
    {
        var tool = message["params"]!["name"]!.GetValue<string>();
        var arguments = message["params"]!["arguments"];
        _runs.AddOrUpdate(tool, 1, static (_, count) => count + 1);
        var session = SessionOf(context) ?? "";
        switch (tool)
        {
            case "progress":
                await StartStreamAsync(context);
                for (var i = 1; i <= 3; i++) await EventAsync(context, Progress(message, i));
                await EventAsync(context, Result(message, Text("done")));
                break;
            case "steps":
                await StartStreamAsync(context);
                await EventAsync(context, Progress(message, 1));
                await Release.Task.WaitAsync(context.RequestAborted);
                await EventAsync(context, Progress(message, 2));
                await EventAsync(context, Result(message, Text("stepped")));
                break;
            case "ask":
                await StartStreamAsync(context);
                await EventAsync(context, new JsonObject { ["jsonrpc"] = "2.0", ["id"] = 1, ["method"] = "sampling/createMessage", ["params"] = new JsonObject() });
                await EventAsync(context, Result(message, Text("asked")));
                break;
            case "cut":
                await StartStreamAsync(context);
                context.Abort();
                break;
            case "slow":
                await SlowAsync(context, message);
                break;
            case "remember":
                _sessions[session] = arguments!["value"]!.GetValue<string>();
                await ReplyAsync(context, message, Text("remembered"));
                break;
            default:
                await ReplyAsync(context, message, Text(tool == "recall" ? _sessions.GetValueOrDefault(session, "") : arguments?["text"]?.GetValue<string>() ?? ""));
                break;
        }
    }

    private async Task SlowAsync(HttpContext context, JsonNode message)
    {
        try
        {
            await Release.Task.WaitAsync(context.RequestAborted);
            await ReplyAsync(context, message, Text("slow"));
        }
        catch (OperationCanceledException)
        {
            Abandoned.TrySetResult();
        }
    }

    private async Task DeleteAsync(HttpContext context)
    {
        _arrivals.Enqueue(new Arrival("DELETE", SessionOf(context), null, new HeaderDictionary()));
        context.Response.StatusCode = _sessions.TryRemove(SessionOf(context) ?? "", out _) ? 204 : 404;
        await context.Response.CompleteAsync();
    }

    private async Task StreamAsync(HttpContext context)
    {
        _arrivals.Enqueue(new Arrival("GET", null, null, new HeaderDictionary()));
        if (Speech != Speech.Sse)
        {
            context.Response.StatusCode = 404;
            return;
        }

        var id = Guid.NewGuid().ToString("N");
        (_sessions[id], _streams[id]) = ("", context.Response);
        await StartStreamAsync(context);
        await context.Response.WriteAsync($"event: endpoint\ndata: /message?session={id}\n\n");
        await context.Response.Body.FlushAsync();
        var end = new TaskCompletionSource();
        await using var registration = context.RequestAborted.Register(end.SetResult);
        await end.Task;
        _streams.TryRemove(id, out _);
    }

    private async Task MessageAsync(HttpContext context)
    {
        var message = await ReadAsync(context);
        var id = context.Request.Query["session"].ToString();
        context.Response.StatusCode = 202;
        await context.Response.CompleteAsync();
        if (message["id"] is null || message["method"]?.GetValue<string>() is not { } method) return;
        var tool = message["params"]?["name"]?.GetValue<string>();
        if (tool is not null) _runs.AddOrUpdate(tool, 1, static (_, count) => count + 1);
        var answer = method switch
        {
            "initialize" => Result(message, Introduction()),
            "tools/call" => Result(message, Text(message["params"]!["arguments"]?["text"]?.GetValue<string>() ?? "")),
            _ => (Listing(method) ?? Other(message, method)) is { } result ? Result(message, result) : Error(message, -32601, "no"),
        };
        await WriteEventAsync(_streams[id], answer);
    }

    private async Task<JsonNode> ReadAsync(HttpContext context)
    {
        var message = (await JsonNode.ParseAsync(context.Request.Body))!;
        _arrivals.Enqueue(new Arrival(message["method"]?.GetValue<string>() ?? "(answer)", SessionOf(context) ?? context.Request.Query["session"], message, new HeaderDictionary(context.Request.Headers.ToDictionary(StringComparer.OrdinalIgnoreCase))));
        return message;
    }

    private JsonObject? Listing(string method) => method switch
    {
        "tools/list" => new JsonObject { ["tools"] = new JsonArray([.. s_tools.Concat(MoreTools).Select(tool => new JsonObject { ["name"] = tool, ["inputSchema"] = new JsonObject { ["type"] = "object" } })]), ["resultType"] = "complete" },
        "server/discover" => new JsonObject { ["supportedVersions"] = new JsonArray("2026-07-28"), ["capabilities"] = Capabilities(), ["instructions"] = Greeting, ["resultType"] = "complete" },
        "ping" => [],
        _ => null,
    };

    private JsonObject Introduction() => new()
    {
        ["protocolVersion"] = Speech == Speech.Sse ? "2024-11-05" : "2025-11-25",
        ["capabilities"] = Capabilities(),
        ["serverInfo"] = new JsonObject { ["name"] = "scripted", ["version"] = "1" },
        ["instructions"] = Greeting,
    };

    private JsonObject Capabilities()
    {
        var capabilities = new JsonObject { ["tools"] = new JsonObject() };
        if (!Prompts.IsEmpty) (capabilities["prompts"], capabilities["completions"]) = (new JsonObject(), new JsonObject());
        if (!Resources.IsEmpty || !Templates.IsEmpty) capabilities["resources"] = new JsonObject();
        return capabilities;
    }

    private JsonObject? Other(JsonNode message, string method) => method switch
    {
        "prompts/list" when !Prompts.IsEmpty => Page(message, "prompts", Prompts, static name => new JsonObject { ["description"] = "α\u2028β", ["name"] = name, ["arguments"] = new JsonArray() }),
        "resources/list" when !Resources.IsEmpty => Page(message, "resources", Resources, static uri => new JsonObject { ["uri"] = uri, ["name"] = "r" }),
        "resources/templates/list" when !Templates.IsEmpty => Page(message, "resourceTemplates", Templates, static uri => new JsonObject { ["uriTemplate"] = uri, ["name"] = "t" }),
        "prompts/get" => new JsonObject { ["messages"] = new JsonArray(), ["description"] = message["params"]!["name"]!.GetValue<string>() },
        "resources/read" => new JsonObject { ["contents"] = new JsonArray(new JsonObject { ["uri"] = message["params"]!["uri"]!.GetValue<string>(), ["text"] = Greeting }) },
        "resources/subscribe" or "resources/unsubscribe" or "logging/setLevel" => [],
        "completion/complete" => new JsonObject { ["completion"] = new JsonObject { ["values"] = new JsonArray(message["params"]!["ref"]!.ToJsonString()) } },
        _ => null,
    };

    private JsonObject Page(JsonNode message, string member, ConcurrentQueue<string> names, Func<string, JsonObject> describe)
    {
        var from = int.Parse(message["params"]?["cursor"]?.GetValue<string>() ?? "0", System.Globalization.CultureInfo.InvariantCulture);
        var page = new JsonObject { [member] = new JsonArray([.. names.Skip(from).Take(PageSize).Select(describe)]), ["resultType"] = "complete" };
        if (from + PageSize < names.Count) page["nextCursor"] = $"{from + PageSize}";
        return page;
    }

    private static JsonObject Progress(JsonNode message, int step) => new()
    {
        ["jsonrpc"] = "2.0",
        ["method"] = "notifications/progress",
        ["params"] = new JsonObject { ["progressToken"] = message["params"]!["_meta"]?["progressToken"]?.DeepClone(), ["progress"] = step },
    };

    private static JsonObject Text(string text) => new() { ["content"] = new JsonArray(new JsonObject { ["type"] = "text", ["text"] = text }) };

    private static JsonObject Result(JsonNode message, JsonObject result) => new() { ["jsonrpc"] = "2.0", ["id"] = message["id"]!.DeepClone(), ["result"] = result };

    private static JsonObject Error(JsonNode? message, int code, string text) =>
        new() { ["jsonrpc"] = "2.0", ["id"] = message?["id"]?.DeepClone(), ["error"] = new JsonObject { ["code"] = code, ["message"] = text } };

    private static Task ReplyAsync(HttpContext context, JsonNode message, JsonObject result) => WriteJsonAsync(context, 200, Result(message, result));

    /// <summary>An HTTP status with a JSON-RPC error that names no request, as servers refuse what they do not dispatch.</summary>
    public static Task RefuseAsync(HttpContext context, int status, string text) => WriteJsonAsync(context, status, Error(null, -32000, text));

    private static async Task WriteJsonAsync(HttpContext context, int status, JsonNode body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(body.ToJsonString());
    }

    private static async Task StartStreamAsync(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        await context.Response.Body.FlushAsync();
    }

    private Task EventAsync(HttpContext context, JsonNode message) => WriteEventAsync(context.Response, message);

    private async Task WriteEventAsync(HttpResponse response, JsonNode message)
    {
        await _writing.WaitAsync();
        try
        {
            await response.WriteAsync($"event: message\ndata: {message.ToJsonString()}\n\n");
            await response.Body.FlushAsync();
        }
        finally
        {
            _writing.Release();
        }
    }

    private static string? SessionOf(HttpContext context) => context.Request.Headers["Mcp-Session-Id"] is { Count: 1 } id ? id.ToString() : null;
}
