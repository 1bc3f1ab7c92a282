using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace McpGateway.Bridge.Tests;

/// <summary>One message that reached an <see cref="OddUpstream"/>.</summary>
internal sealed record OddArrival(string Method, string Session, JsonNode Message);

/// <summary>A server on a port of its own that can be told how to answer each message; what it is not told, it answers as a server of sessions with one tool.</summary>
internal sealed class OddUpstream : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<OddArrival> _arrivals = new();
    private readonly ConcurrentDictionary<string, Channel<string>> _streams = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource<JsonNode>> _asked = new();
    private int _lastQuestion;

    private OddUpstream(WebApplication app) => _app = app;

    public string Url => new Uri(new Uri(_app.Urls.First()), "/mcp").ToString();

    /// <summary>Answers in its stead when it returns true.</summary>
    public Func<HttpContext, JsonNode, Task<bool>> Answer { get; set; } = (_, _) => Task.FromResult(false);

    /// <summary>What it answers <c>initialize</c> with.</summary>
    public string Version { get; set; } = "2025-11-25";

    /// <summary>What it says in <c>initialize</c> that it can.</summary>
    public string Capabilities { get; set; } = """{"tools":{"listChanged":true}}""";

    /// <summary>The names of its tools; each is answered alike.</summary>
    public IReadOnlyList<string> Tools { get; set; } = ["echo"];

    /// <summary>Sessions whose stream for what belongs to no call is open.</summary>
    public IReadOnlyCollection<string> Listening => [.. _streams.Keys];

    public static async Task<OddUpstream> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var upstream = new OddUpstream(app);
        app.MapPost("/mcp", upstream.PostAsync);
        app.MapGet("/mcp", upstream.ListenAsync);
        app.MapDelete("/mcp", upstream.DeleteAsync);
        await app.StartAsync();
        return upstream;
    }

    public int Count(string method) => _arrivals.Count(arrival => arrival.Method == method);

    public IReadOnlyList<JsonNode> Of(string method) => [.. _arrivals.Where(arrival => arrival.Method == method).Select(arrival => arrival.Message)];

    public IReadOnlyList<OddArrival> Arrivals(string method) => [.. _arrivals.Where(arrival => arrival.Method == method)];

    /// <summary>Says something outside of calls, in one session.</summary>
    public void Say(string session, string message) => _streams[session].Writer.TryWrite(message).ShouldBeTrue();

    /// <summary>A request of its own, under an id of its own, and its answer when it comes.</summary>
    public (int Id, string Message, Task<JsonNode> Answer) Question(string method, string parameters)
    {
        var id = Interlocked.Increment(ref _lastQuestion);
        var answer = _asked.GetOrAdd($"{id}", static _ => new TaskCompletionSource<JsonNode>(TaskCreationOptions.RunContinuationsAsynchronously));
        return (id, $$$"""{"jsonrpc":"2.0","id":{{{id}}},"method":"{{{method}}}","params":{{{parameters}}}}""", answer.Task);
    }

    /// <summary>Answers the opening as a server of 2026-07-28; true when that was it.</summary>
    public async Task<bool> IsModernAsync(HttpContext context, JsonNode message)
    {
        var method = message["method"]?.GetValue<string>();
        if (method == "server/discover") await ResultAsync(context, message, $$"""{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{{Capabilities}} }""");
        else if (method == "initialize") await ErrorAsync(context, message, 404, -32601);
        else return false;
        return true;
    }

    /// <summary>Writes one message of a stream that answers a request.</summary>
    public static async Task EventAsync(HttpContext context, string message)
    {
        if (!context.Response.HasStarted) context.Response.ContentType = "text/event-stream";
        await context.Response.WriteAsync($"data: {message}\n\n");
        await context.Response.Body.FlushAsync();
    }

    /// <summary>Ends such a stream with the answer: one text.</summary>
    public static Task EndAsync(HttpContext context, JsonNode message, string text) =>
        EventAsync(context, new JsonObject { ["jsonrpc"] = "2.0", ["id"] = message["id"]!.DeepClone(), ["result"] = JsonNode.Parse(TextResult(text)) }.ToJsonString());

    public static string TextResult(string text) => new JsonObject { ["content"] = new JsonArray(new JsonObject { ["type"] = "text", ["text"] = text }), ["resultType"] = "complete" }.ToJsonString();

    public static string SessionOf(HttpContext context) => context.Request.Headers["Mcp-Session-Id"].ToString();

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

    private async Task ListenAsync(HttpContext context)
    {
        var said = Channel.CreateUnbounded<string>();
        var session = SessionOf(context);
        context.Response.ContentType = "text/event-stream";
        await context.Response.Body.FlushAsync();
        _streams[session] = said;
        try
        {
            await foreach (var message in said.Reader.ReadAllAsync(context.RequestAborted)) await EventAsync(context, message);
        }
        catch (OperationCanceledException)
        {
            // The client does not listen any more.
        }

        _streams.TryRemove(KeyValuePair.Create(session, said));
    }

    private Task DeleteAsync(HttpContext context)
    {
        _arrivals.Enqueue(new OddArrival("DELETE", SessionOf(context), new JsonObject()));
        return context.Response.CompleteAsync();
    }

    private async Task PostAsync(HttpContext context)
    {
        var message = (await JsonNode.ParseAsync(context.Request.Body))!;
        var method = message["method"]?.GetValue<string>() ?? "(answer)";
        _arrivals.Enqueue(new OddArrival(method, SessionOf(context), message));
        if (message["method"] is null && _asked.TryGetValue(message["id"]?.ToJsonString() ?? "", out var asked)) asked.TrySetResult(message);
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
                return ResultAsync(context, message, $$$"""{"protocolVersion":"{{{Version}}}","capabilities":{{{Capabilities}}},"serverInfo":{"name":"odd","version":"1"}}""");
            case "tools/list":
                return ResultAsync(context, message, $$"""{"tools":[{{string.Join(',', Tools.Select(tool => $"{{\"name\":\"{tool}\",\"inputSchema\":{{\"type\":\"object\"}}}}"))}}]}""");
            case "tools/call":
                return ResultAsync(context, message, """{"content":[{"type":"text","text":"on"}]}""");
            case "ping":
                return ResultAsync(context, message, "{}");
            default:
                return ErrorAsync(context, message, 200, -32601);
        }
    }
}
