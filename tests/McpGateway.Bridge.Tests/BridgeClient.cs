using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;

namespace McpGateway.Bridge.Tests;

/// <summary>What a request came to: its answer, and what was said and asked on the way.</summary>
internal sealed record Outcome(int Status, JsonNode Answer, IReadOnlyList<JsonNode> Notices, IReadOnlyList<JsonNode> Questions)
{
    public JsonNode? Result => Answer["result"];

    public string? Text => Result?["content"]?[0]?["text"]?.GetValue<string>();

    public int? ErrorCode => Answer["error"]?["code"]?.GetValue<int>();

    public IEnumerable<string> Asked => Questions.Select(question => question["method"]!.GetValue<string>());

    public override string ToString() => $"{Status}: {Answer.ToJsonString()} asked {string.Join(", ", Asked)}, told {string.Join(" | ", Notices.Select(notice => notice.ToJsonString()))}";
}

/// <summary>What a client hears outside of its calls, until it is disposed.</summary>
internal sealed class Listener : IAsyncDisposable
{
    private readonly Channel<JsonNode> _heard = Channel.CreateUnbounded<JsonNode>();
    private readonly HttpResponseMessage _response;
    private readonly Task _reading;

    public Listener(HttpResponseMessage response, IAsyncEnumerable<JsonNode> messages) => (_response, _reading) = (response, ReadAsync(messages));

    /// <summary>The next message; fails when none comes.</summary>
    public async Task<JsonNode> NextAsync() => await _heard.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Eventually.Patience);

    public async ValueTask DisposeAsync()
    {
        _response.Dispose();
        await _reading;
    }

    private async Task ReadAsync(IAsyncEnumerable<JsonNode> messages)
    {
        try
        {
            await foreach (var message in messages) _heard.Writer.TryWrite(message);
            _heard.Writer.TryComplete();
        }
        catch (Exception ended)
        {
            _heard.Writer.TryComplete(ended);
        }
    }
}

/// <summary>A client that answers what it is asked: with its model, its user, its roots.</summary>
internal abstract class BridgeClient(HttpClient http, string path)
{
    private static int s_lastId;

    /// <summary>When the client gives up what it has asked for.</summary>
    public CancellationToken Cancelled { get; set; } = TestContext.Current.CancellationToken;

    /// <summary>Makes a request and goes on until it is answered.</summary>
    public abstract Task<Outcome> RequestAsync(string method, string parameters, string meta = "");

    public Task<Outcome> CallAsync(string tool, string arguments = "{}", string meta = "") => RequestAsync("tools/call", $$"""{"name":"{{tool}}","arguments":{{arguments}}}""", meta);

    public static JsonNode AnswerTo(JsonNode question) => question["method"]!.GetValue<string>() switch
    {
        "sampling/createMessage" => JsonNode.Parse("""{"role":"assistant","content":{"type":"text","text":"sampled"},"model":"test","stopReason":"endTurn"}""")!,
        "elicitation/create" when question["params"]!["mode"]?.GetValue<string>() == "url" => JsonNode.Parse("""{"action":"accept"}""")!,
        "elicitation/create" => JsonNode.Parse("""{"action":"accept","content":{"name":"Ada","username":"ada","email":"ada@example.test","color":"blue"}}""")!,
        "roots/list" => JsonNode.Parse("""{"roots":[{"uri":"file:///work","name":"work"}]}""")!,
        var other => throw new InvalidOperationException($"The client was asked {other}."),
    };

    protected static int NextId() => Interlocked.Increment(ref s_lastId);

    protected async Task<HttpResponseMessage> PostAsync(string body, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.TryAddWithoutValidation("Accept", "application/json, text/event-stream");
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancelled);
    }

    /// <summary>The messages of a response, as they come.</summary>
    protected static async IAsyncEnumerable<JsonNode> ReadAsync(HttpResponseMessage response)
    {
        await using var body = await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
        if (response.Content.Headers.ContentType?.MediaType != "text/event-stream")
        {
            using var reader = new StreamReader(body);
            if (await reader.ReadToEndAsync(TestContext.Current.CancellationToken) is { Length: > 0 } text) yield return JsonNode.Parse(text)!;
            yield break;
        }

        await foreach (var item in SseParser.Create(body).EnumerateAsync(TestContext.Current.CancellationToken))
        {
            if (item.Data.Length > 0) yield return JsonNode.Parse(item.Data)!;
        }
    }
}

/// <summary>A client of 2025-11-25 in a session: it is asked on the stream of its call, and POSTs its answers.</summary>
internal sealed class OldClient(HttpClient http, string path, string session) : BridgeClient(http, path)
{
    private readonly HttpClient _http = http;
    private readonly string _path = path;

    /// <summary>Told of each question; when it returns false the question is left open.</summary>
    public Func<JsonNode, bool> Answers { get; set; } = static _ => true;

    /// <summary>Told of each notification of a call, before the next message is read.</summary>
    public Func<JsonNode, Task> Notified { get; set; } = static _ => Task.CompletedTask;

    public static async Task<OldClient> ConnectAsync(HttpClient http, string path, JsonObject capabilities)
    {
        var unconnected = new OldClient(http, path, "");
        using var response = await unconnected.PostAsync($$$$"""{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{{{{capabilities.ToJsonString()}}}},"clientInfo":{"name":"test","version":"1"}}}""");
        ((int)response.StatusCode).ShouldBe(200, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        var client = new OldClient(http, path, response.Headers.GetValues("Mcp-Session-Id").Single());
        using var _ = await client.PostAsync("""{"jsonrpc":"2.0","method":"notifications/initialized"}""");
        return client;
    }

    public override async Task<Outcome> RequestAsync(string method, string parameters, string meta = "")
    {
        var body = JsonNode.Parse(parameters)!.AsObject();
        if (meta.Length > 0) body["_meta"] = JsonNode.Parse($"{{{meta}}}");
        using var response = await PostAsync(new JsonObject { ["jsonrpc"] = "2.0", ["id"] = NextId(), ["method"] = method, ["params"] = body }.ToJsonString());
        var (notices, questions) = (new List<JsonNode>(), new List<JsonNode>());
        await foreach (var message in ReadAsync(response))
        {
            if (message["method"] is null) return new Outcome((int)response.StatusCode, message, notices, questions);
            if (message["id"] is null)
            {
                notices.Add(message);
                await Notified(message);
                continue;
            }

            questions.Add(message);
            if (Answers(message)) await AnswerAsync(message);
        }

        throw new InvalidOperationException("The stream ended without an answer.");
    }

    /// <summary>Opens the stream for what belongs to no call; it stands when this has returned.</summary>
    public async Task<Listener> ListenAsync()
    {
        var request = new HttpRequestMessage(HttpMethod.Get, _path);
        request.Headers.TryAddWithoutValidation("Accept", "text/event-stream");
        request.Headers.TryAddWithoutValidation("Mcp-Session-Id", session);
        var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        ((int)response.StatusCode).ShouldBe(200);
        return new Listener(response, ReadAsync(response));
    }

    /// <summary>Sends the answer to a question.</summary>
    public async Task AnswerAsync(JsonNode question)
    {
        using var taken = await PostAsync(new JsonObject { ["jsonrpc"] = "2.0", ["id"] = question["id"]!.DeepClone(), ["result"] = AnswerTo(question) }.ToJsonString());
        ((int)taken.StatusCode).ShouldBe(202);
    }

    private Task<HttpResponseMessage> PostAsync(string body) => session.Length == 0 ? base.PostAsync(body) : base.PostAsync(body, ("Mcp-Session-Id", session), ("MCP-Protocol-Version", "2025-11-25"));
}

/// <summary>A client of 2026-07-28: it is asked in results, and sends its request again with its answers.</summary>
internal sealed class NewClient(HttpClient http, string path, JsonObject capabilities) : BridgeClient(http, path)
{
    public override async Task<Outcome> RequestAsync(string method, string parameters, string meta = "")
    {
        var (notices, questions) = (new List<JsonNode>(), new List<JsonNode>());
        var body = JsonNode.Parse(parameters)!.AsObject();
        for (var round = 0; round < 10; round++)
        {
            var (status, answer) = await OnceAsync(method, body, meta, notices);
            if (answer["result"]?["resultType"]?.GetValue<string>() != "input_required") return new Outcome(status, answer, notices, questions);
            body = Next(JsonNode.Parse(parameters)!.AsObject(), answer["result"]!, questions);
        }

        throw new InvalidOperationException("The upstream asked again and again.");
    }

    /// <summary>Makes one request, and gives what came back as it is.</summary>
    public async Task<(int Status, JsonNode Answer)> OnceAsync(string method, JsonObject parameters, string meta = "", List<JsonNode>? notices = null)
    {
        var body = parameters.DeepClone().AsObject();
        var envelope = $"\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientInfo\":{{\"name\":\"test\",\"version\":\"1\"}},\"io.modelcontextprotocol/clientCapabilities\":{capabilities.ToJsonString()}";
        body["_meta"] = JsonNode.Parse($"{{{(meta.Length > 0 ? meta + "," : "")}{envelope}}}");
        var request = new JsonObject { ["jsonrpc"] = "2.0", ["id"] = NextId(), ["method"] = method, ["params"] = body };
        var headers = new List<(string, string)> { ("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", method) };
        if ((body["name"] ?? body["uri"])?.GetValue<string>() is { } name) headers.Add(("Mcp-Name", name));
        using var response = await PostAsync(request.ToJsonString(), [.. headers]);
        await foreach (var message in ReadAsync(response))
        {
            if (message["method"] is null) return ((int)response.StatusCode, message);
            (notices ?? []).Add(message);
        }

        throw new InvalidOperationException("The stream ended without an answer.");
    }

    private static JsonObject Next(JsonObject parameters, JsonNode result, List<JsonNode> questions)
    {
        var responses = new JsonObject();
        foreach (var (key, question) in result["inputRequests"]!.AsObject())
        {
            questions.Add(question!);
            responses[key] = AnswerTo(question!);
        }

        parameters["inputResponses"] = responses;
        parameters["requestState"] = result["requestState"]!.DeepClone();
        return parameters;
    }
}
