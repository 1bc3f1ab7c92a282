using System.Collections.Concurrent;
using System.Text.Json;
using Agents.Worker.Models;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;

namespace Agents.Worker.Tests.Models;

public sealed class OpenAiChatClientTests
{
    private const string Hello = """
        data: {"id":"r1","model":"m-1","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}

        data: {"id":"r1","choices":[{"index":0,"delta":{"content":"Hel"}}]}

        data: {"id":"r1","choices":[{"index":0,"delta":{"content":"lo"}}]}

        data: {"id":"r1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

        data: {"id":"r1","choices":[],"usage":{"prompt_tokens":11,"completion_tokens":3,"total_tokens":14,"prompt_tokens_details":{"cached_tokens":4}}}

        data: [DONE]


        """;

    [Fact]
    public async Task Turn_StreamsTextAndReportsUsage()
    {
        await using var server = await OpenAiServer.StreamingAsync(Hello);
        using var client = new ModelClient(server.BaseUrl, options => options.ApiKey = "sk-1");

        var turn = await client.AskAsync();

        turn.Text.ShouldBe("Hello");
        client.Heard.ShouldBe(["Hel", "lo"]);
        turn.Usage!.InputTokenCount.ShouldBe(11);
        turn.Usage.OutputTokenCount.ShouldBe(3);
        turn.Usage.CachedInputTokenCount.ShouldBe(4);
        turn.FinishReason.ShouldBe("stop");
        var request = server.Requests.ShouldHaveSingleItem();
        request.Path.ShouldBe("/v1/chat/completions");
        request.Authorization.ShouldBe("Bearer sk-1");
        request.Body.GetProperty("stream").GetBoolean().ShouldBeTrue();
        request.Body.GetProperty("stream_options").GetProperty("include_usage").GetBoolean().ShouldBeTrue();
        request.Body.TryGetProperty("tools", out _).ShouldBeFalse("servers refuse an empty list");
    }

    [Theory]
    [InlineData("data:{\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\ndata:{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata:[DONE]\n\n")]
    [InlineData(": ping\r\n\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\r\n\r\n")]
    [InlineData("event: x\ndata: {\"choices\":[{\"delta\":{\"content\":\"Hi\",\"tool_calls\":null}}]}\n\ndata: [DONE]\n\n")]
    [InlineData("data: {\"choices\":[{\"delta\":{\"content\":\"Hi\",\"reasoning\":\"hm\"},\"finish_reason\":\"eos\"}],\"usage\":{}}\n\ndata: [DONE]\n\n")]
    public async Task Turn_UnderstandsServersThatDeviate(string stream)
    {
        await using var server = await OpenAiServer.StreamingAsync(stream);
        using var client = new ModelClient(server.BaseUrl);

        var turn = await client.AskAsync();

        turn.Text.ShouldBe("Hi");
        turn.Usage?.InputTokenCount.ShouldBeNull("nobody reported it");
        server.Requests.Count.ShouldBe(1);
        server.Requests.First().Authorization.ShouldBeNull();
    }

    [Fact]
    public async Task Turn_ReadsOneDocument_WhenTheServerDoesNotStream()
    {
        const string Body = """{"choices":[{"message":{"role":"assistant","content":"Hi","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}""";
        await using var server = await OpenAiServer.StartAsync((_, context) =>
        {
            context.Response.ContentType = "application/json; charset=utf-8";
            return context.Response.WriteAsync(Body);
        });
        using var client = new ModelClient(server.BaseUrl);

        var turn = await client.AskAsync();

        turn.Text.ShouldBe("Hi");
        Arguments(turn).ShouldBe(["""f {"x":1}"""]);
        turn.Usage!.OutputTokenCount.ShouldBe(2);
    }

    [Theory]
    // OpenAI: one call after the other, in pieces, by index.
    [InlineData("""[{"index":0,"id":"a","function":{"name":"f","arguments":""}}]|[{"index":0,"function":{"arguments":"{\"x\""}}]|[{"index":0,"function":{"arguments":":1}"}}]|[{"index":1,"id":"b","function":{"name":"g","arguments":"{}"}}]""")]
    // Pieces of two calls mixed.
    [InlineData("""[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}},{"index":1,"id":"b","function":{"name":"g","arguments":"{"}}]|[{"index":1,"function":{"arguments":"}"}},{"index":0,"function":{"arguments":"\"x\":1}"}}]""")]
    // Ollama: every call has index 0.
    [InlineData("""[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}}]|[{"index":0,"id":"b","function":{"name":"g","arguments":"{}"}}]""")]
    [InlineData("""[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}},{"index":0,"id":"b","function":{"name":"g","arguments":"{}"}}]""")]
    // The id on every piece.
    [InlineData("""[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\""}}]|[{"index":0,"id":"b","function":{"name":"g","arguments":"{}"}}]|[{"index":0,"id":"a","function":{"arguments":":1}"}}]""")]
    // No ids and no indices at all.
    [InlineData("""[{"function":{"name":"f","arguments":"{\"x\":1}"}}]|[{"function":{"name":"g","arguments":""}}]""")]
    // Arguments as an object.
    [InlineData("""[{"index":0,"id":"a","function":{"name":"f","arguments":{"x":1}}},{"index":1,"id":"b","function":{"name":"g","arguments":{}}}]""")]
    public async Task Turn_PutsParallelCallsTogether(string pieces)
    {
        var stream = string.Concat(pieces.Split('|').Select(piece => "data: {\"choices\":[{\"delta\":{\"tool_calls\":" + piece + "}}]}\n\n"));
        await using var server = await OpenAiServer.StreamingAsync(stream + """data: {"choices":[{"delta":{},"finish_reason":"stop"}]}""" + "\n\ndata: [DONE]\n\n");
        using var client = new ModelClient(server.BaseUrl);

        var turn = await client.AskAsync();

        Arguments(turn).ShouldBe(["""f {"x":1}""", "g {}"]);
        turn.Calls.Select(call => call.CallId).ShouldBeUnique();
        turn.FinishReason.ShouldBe("tool_calls");
    }

    [Fact]
    public async Task Turn_MarksACallWhoseArgumentsAreNoJson()
    {
        await using var server = await OpenAiServer.StreamingAsync("""data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":"}}]},"finish_reason":"tool_calls"}]}""" + "\n\n");
        using var client = new ModelClient(server.BaseUrl);

        var call = (await client.AskAsync()).Calls.ShouldHaveSingleItem();

        call.Exception.ShouldNotBeNull().Message.ShouldContain("""The arguments of 'f' are not a JSON object: {"x":""");
    }

    [Fact]
    public async Task Request_CarriesToolsCallsAndResults()
    {
        await using var server = await OpenAiServer.StreamingAsync(Hello);
        using var client = new ModelClient(server.BaseUrl);
        var schema = JsonSerializer.Deserialize<JsonElement>("""{"type":"object","properties":{"x":{"type":"integer"}}}""");
        ChatMessage[] messages =
        [
            new(ChatRole.System, "be short"),
            new(ChatRole.User, "hello"),
            new(ChatRole.Assistant, [new FunctionCallContent("a", "f", new Dictionary<string, object?> { ["x"] = 1 }), new FunctionCallContent("b", "f")]),
            new(ChatRole.Tool, [new FunctionResultContent("a", "one"), new FunctionResultContent("b", "two")]),
        ];

        await client.AskAsync(messages, AIFunctionFactory.CreateDeclaration("f", "does f", schema));

        var body = server.Requests.Single().Body;
        ShouldEqual(body.GetProperty("messages"),
            """[{"role":"system","content":"be short"},{"role":"user","content":"hello"},{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\u0022x\u0022:1}"}},{"id":"b","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"one"},{"role":"tool","tool_call_id":"b","content":"two"}]""");
        ShouldEqual(body.GetProperty("tools"), """[{"type":"function","function":{"name":"f","description":"does f","parameters":{"type":"object","properties":{"x":{"type":"integer"}}}}}]""");
    }

    [Fact]
    public async Task Request_FitsAzure_WithItsHeaderAndQuery()
    {
        await using var server = await OpenAiServer.StreamingAsync(Hello);
        using var client = new ModelClient(
            server.BaseUrl.Replace("/v1", "/openai/deployments/gpt?api-version=2024-10-21", StringComparison.Ordinal),
            options => (options.ApiKey, options.ApiKeyHeader) = ("k", "api-key"));

        await client.AskAsync();

        var request = server.Requests.Single();
        request.Path.ShouldBe("/openai/deployments/gpt/chat/completions?api-version=2024-10-21");
        request.ApiKey.ShouldBe("k");
        request.Authorization.ShouldBeNull();
    }

    [Theory]
    [InlineData(400, """{"error":{"message":"bad tool","type":"invalid_request_error"}}""", "bad tool", nameof(ModelFailure.Rejected))]
    [InlineData(401, """{"error":{"message":"Incorrect API key provided: sk-secret."}}""", "Incorrect API key provided: ***. Check Models:ApiKey.", nameof(ModelFailure.Unauthorized))]
    [InlineData(404, """{"error":"model 'x' not found"}""", "model 'x' not found. Check Models:BaseUrl and Models:Model.", nameof(ModelFailure.Rejected))]
    [InlineData(422, """{"detail":"wrong shape"}""", "wrong shape", nameof(ModelFailure.Rejected))]
    [InlineData(403, "<html>denied</html>", "an HTML page instead of an API's answer. Check Models:ApiKey.", nameof(ModelFailure.Unauthorized))]
    [InlineData(400, "", "(empty body)", nameof(ModelFailure.Rejected))]
    public async Task Refusal_IsReadableAndNotRepeated(int status, string body, string message, string failure)
    {
        await using var server = await OpenAiServer.StartAsync((_, context) => OpenAiServer.RefuseAsync(context, status, body));
        using var client = new ModelClient(server.BaseUrl, options => options.ApiKey = "sk-secret");

        var error = await Should.ThrowAsync<ModelException>(() => client.AskAsync());

        error.Message.ShouldBe($"The model server answered {status}: {message}");
        error.Failure.ToString().ShouldBe(failure);
        server.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Page_IsToldAndNotRepeated_WhenTheAddressIsAWebSite()
    {
        await using var server = await OpenAiServer.StartAsync((_, context) =>
        {
            context.Response.ContentType = "text/html; charset=utf-8";
            return context.Response.WriteAsync("<!DOCTYPE html><html><head><title>Sign in &amp; go</title></head><body>…</body></html>");
        });
        using var client = new ModelClient(server.BaseUrl);

        var error = await Should.ThrowAsync<ModelException>(() => client.AskAsync());

        error.Message.ShouldBe("The model server answered 200: an HTML page instead of an API's answer, \"Sign in & go\". Check Models:BaseUrl.");
        error.Failure.ShouldBe(ModelFailure.Rejected);
        server.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Request_LeavesTheToolsOut_WhenNoneMayBeCalled()
    {
        await using var server = await OpenAiServer.StreamingAsync(Hello);
        using var client = new ModelClient(server.BaseUrl);

        await client.AskAsync([new(ChatRole.User, "hello")], new ChatOptions { Tools = [AIFunctionFactory.Create(() => 1, "f")], ToolMode = ChatToolMode.None });

        server.Requests.Single().Body.TryGetProperty("tools", out _).ShouldBeFalse();
    }

    [Theory]
    [InlineData(429, nameof(ModelFailure.RateLimited))]
    [InlineData(500, nameof(ModelFailure.Unavailable))]
    [InlineData(503, nameof(ModelFailure.Unavailable))]
    [InlineData(408, nameof(ModelFailure.Unavailable))]
    public async Task Turn_CostsExactlyThePolicysRequests_WhenTheServerKeepsRefusing(int status, string failure)
    {
        await using var server = await OpenAiServer.StartAsync((_, context) => OpenAiServer.RefuseAsync(context, status, "{}"));
        using var client = new ModelClient(server.BaseUrl, options => options.MaxAttempts = 3);

        var error = await Should.ThrowAsync<ModelException>(() => client.AskAsync());

        error.Failure.ToString().ShouldBe(failure);
        server.Requests.Count.ShouldBe(3);
    }

    [Fact]
    public async Task Turn_IsAskedOnce_WhenThePolicyIsOneAttempt()
    {
        await using var server = await OpenAiServer.StartAsync((_, context) => OpenAiServer.RefuseAsync(context, 429, "{}"));
        using var client = new ModelClient(server.BaseUrl, options => options.MaxAttempts = 1);

        await Should.ThrowAsync<ModelException>(() => client.AskAsync());

        server.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Turn_WaitsAsLongAsTheServerAsks()
    {
        var clock = new ManualTimeProvider();
        var asked = new ConcurrentQueue<DateTimeOffset>();
        await using var server = await OpenAiServer.StartAsync((n, context) =>
        {
            asked.Enqueue(clock.GetUtcNow());
            return n == 1 ? OpenAiServer.RefuseAsync(context, 429, "{}", retryAfter: "7") : OpenAiServer.StreamAsync(context, Hello);
        });
        using var client = new ModelClient(server.BaseUrl, time: clock);

        // The clock moves in small steps: when the wait begins on it is up to the network.
        var asking = client.AskAsync();
        await Eventually.HoldsAsync(() =>
        {
            clock.Advance(TimeSpan.FromSeconds(0.1));
            return asking.IsCompleted;
        });

        (await asking).Text.ShouldBe("Hello");
        asked.Count.ShouldBe(2);
        (asked.Last() - asked.First()).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(7));
    }

    [Fact]
    public async Task Turn_GivesUpAtOnce_WhenTheServerAsksForTooLong()
    {
        await using var server = await OpenAiServer.StartAsync((_, context) => OpenAiServer.RefuseAsync(context, 429, """{"error":{"message":"quota"}}""", retryAfter: "3600"));
        using var client = new ModelClient(server.BaseUrl);

        var error = await Should.ThrowAsync<ModelException>(() => client.AskAsync());

        error.RetryAfter.ShouldBe(TimeSpan.FromHours(1));
        server.Requests.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("data: {\"choices\":[{\"delta\":{\"content\":\"Half\"}}]}\n\n", true)]
    [InlineData("data: {\"choices\":[{\"delta\":{\"content\":\"Half\"}}]}\n\n", false)]
    [InlineData("data: {\"choices\":[{\"delta\":{\"content\":\"Half\"}}]}\n\ndata: {\"choi\n\n", false)]
    [InlineData("data: {\"choices\":[{\"delta\":{\"content\":\"Half\"}}]}\n\ndata: {\"error\":{\"message\":\"overloaded\"}}\n\n", false)]
    public async Task Turn_StartsAgain_WhenTheStreamBreaks(string stream, bool abort)
    {
        ModelClient? client = null;
        await using var server = await OpenAiServer.StartAsync((n, context) =>
            n > 1 ? OpenAiServer.StreamAsync(context, Hello) : abort ? OpenAiServer.BreakAsync(context, stream, () => client!.Heard.Count == 1) : OpenAiServer.StreamAsync(context, stream));
        using var owned = client = new ModelClient(server.BaseUrl);

        var turn = await client.AskAsync();

        turn.Text.ShouldBe("Hello", "nothing of the broken attempt is left");
        client.Heard.ShouldBe(["Half", "[reset]", "Hel", "lo"]);
        server.Requests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Turn_FailsWithABrokenStream_WhenEveryAttemptBreaks()
    {
        ModelClient? client = null;
        await using var server = await OpenAiServer.StartAsync((n, context) =>
            OpenAiServer.BreakAsync(context, "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n", () => client!.Heard.Count(text => text == "x") == n));
        using var owned = client = new ModelClient(server.BaseUrl, options => options.MaxAttempts = 2);

        (await Should.ThrowAsync<ModelException>(() => client.AskAsync())).Failure.ShouldBe(ModelFailure.BrokenStream);

        server.Requests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Turn_TimesOut_WhenTheServerFallsSilent()
    {
        var clock = new ManualTimeProvider();
        var client = default(ModelClient);
        await using var server = await OpenAiServer.StartAsync(async (_, context) =>
        {
            await OpenAiServer.StreamAsync(context, "data: {\"choices\":[{\"delta\":{\"content\":\"Hal\"}}]}\n\n");
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
        });
        using var owned = client = new ModelClient(server.BaseUrl, options => options.MaxAttempts = 1, clock);

        var asking = client.AskAsync();
        await Eventually.HoldsAsync(() => client.Heard.Count == 1 && clock.PendingTimers == 1);
        clock.Advance(TimeSpan.FromSeconds(101));

        (await Should.ThrowAsync<ModelException>(() => asking.WaitAsync(Eventually.Patience, TimeProvider.System))).Failure.ShouldBe(ModelFailure.Timeout);
    }

    [Fact]
    public async Task Turn_IsCancelledAtOnce_InTheMiddleOfAStream()
    {
        var aborted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await OpenAiServer.StartAsync(async (_, context) =>
        {
            await using var registration = context.RequestAborted.Register(() => aborted.TrySetResult());
            await OpenAiServer.StreamAsync(context, "data: {\"choices\":[{\"delta\":{\"content\":\"Hal\"}}]}\n\n");
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
        });
        using var client = new ModelClient(server.BaseUrl);
        using var cancel = new CancellationTokenSource();
        var asking = client.AskAsync(cancel.Token);
        await Eventually.HoldsAsync(() => client.Heard.Count == 1);

        await cancel.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => asking);
        await aborted.Task.WaitAsync(TimeSpan.FromSeconds(5), TimeProvider.System, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Turn_SaysWhereItCouldNotConnect()
    {
        using var client = new ModelClient("http://127.0.0.1:1/v1", options => options.MaxAttempts = 1);

        var error = await Should.ThrowAsync<ModelException>(() => client.AskAsync());

        error.Failure.ShouldBe(ModelFailure.Unavailable);
        error.Message.ShouldContain("http://127.0.0.1:1");
    }

    private static void ShouldEqual(JsonElement actual, string expected) =>
        JsonElement.DeepEquals(actual, JsonSerializer.Deserialize<JsonElement>(expected)).ShouldBeTrue(actual.GetRawText());

    private static IEnumerable<string> Arguments(ModelTurn turn) => turn.Calls.Select(call => $"{call.Name} {JsonSerializer.Serialize(call.Arguments)}");
}
