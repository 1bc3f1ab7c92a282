using System.Text.Json;
using System.Text.Json.Nodes;
using Agents.Worker.Models;
using Microsoft.Extensions.AI;

namespace Agents.Worker.Tests.Models;

/// <summary>What goes over the wire to Anthropic's messages API and what comes of the answers, byte by byte.</summary>
public sealed class AnthropicChatClientTests
{
    private const string Start = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-test\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":12,\"output_tokens\":1}}}\n\n";
    private const string Hello = Start
        + "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"
        + "event: ping\ndata: {\"type\":\"ping\"}\n\n"
        + "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hel\"}}\n\n"
        + "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"lo\"}}\n\n";
    private const string Stop = "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
        + "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":7}}\n\n"
        + "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

    [Fact]
    public async Task Turn_StreamsTextAndCountsEveryTokenOnce()
    {
        await using var server = await OpenAiServer.StreamingAsync(Hello + Stop);
        using var client = Client(server);

        var turn = await client.AskAsync();

        turn.Text.ShouldBe("Hello");
        client.Heard.ShouldBe(["Hel", "lo"]);
        (turn.Usage!.InputTokenCount, turn.Usage.OutputTokenCount).ShouldBe((12, 7));
        turn.FinishReason.ShouldBe("stop");
    }

    [Fact]
    public async Task Turn_SaysThatItWasCutOff_AtTheLongestAnswer()
    {
        await using var server = await OpenAiServer.StreamingAsync(Hello + Stop.Replace("end_turn", "max_tokens", StringComparison.Ordinal));
        using var client = Client(server);

        (await client.AskAsync()).FinishReason.ShouldBe("length");
    }

    [Fact]
    public async Task Request_CarriesKeyToolsCallsAndResults_AndNoHints()
    {
        await using var server = await OpenAiServer.StreamingAsync(Hello + Stop);
        using var client = Client(server, options => options.MaxOutputTokens = 4000);

        await client.AskAsync(
            [
                new(ChatRole.System, "be short"),
                new(ChatRole.User, "hello"),
                new(ChatRole.Assistant, [new FunctionCallContent("a", "f", new Dictionary<string, object?> { ["x"] = JsonSerializer.SerializeToElement(1) }), new FunctionCallContent("b", "f")]),
                new(ChatRole.Tool, [new FunctionResultContent("a", "one"), new FunctionResultContent("b", "two")]),
                new(ChatRole.User, "go on"),
            ],
            new ChatOptions { Tools = [Tool()], AdditionalProperties = new AdditionalPropertiesDictionary { ["agents.agent"] = "tester" } });

        var request = server.Requests.Single();
        request.Path.ShouldBe("/v1/messages");
        (request.AnthropicKey, request.Authorization).ShouldBe((null, "Bearer sk-ant-secret"));
        var body = request.Body;
        body.GetProperty("model").GetString().ShouldBe("test-model");
        body.GetProperty("max_tokens").GetInt32().ShouldBe(4000);
        body.GetProperty("stream").GetBoolean().ShouldBeTrue();
        body.GetRawText().ShouldNotContain("agents.");
        body.GetProperty("system").GetRawText().ShouldContain("be short");
        var blocks = body.GetProperty("messages").EnumerateArray().SelectMany(message => message.GetProperty("content").EnumerateArray()).ToList();
        blocks.Select(block => block.GetProperty("type").GetString()).ShouldBe(["text", "tool_use", "tool_use", "tool_result", "tool_result", "text"]);
        blocks[1].GetProperty("input").GetRawText().ShouldBe("""{"x":1}""");
        blocks[4].GetProperty("tool_use_id").GetString().ShouldBe("b");
        blocks[4].GetRawText().ShouldContain("two");
        var tool = body.GetProperty("tools")[0];
        tool.GetProperty("name").GetString().ShouldBe("f");
        JsonNode.DeepEquals(JsonNode.Parse(tool.GetProperty("input_schema").GetProperty("properties").GetRawText()), JsonNode.Parse("""{"x":{"type":"integer"}}""")).ShouldBeTrue();
    }

    [Fact]
    public async Task Request_CarriesTheKeyInItsHeader_WhenOneIsSet()
    {
        await using var server = await OpenAiServer.StreamingAsync(Hello + Stop);
        using var client = Client(server, options => options.ApiKeyHeader = "x-api-key");

        await client.AskAsync();

        var request = server.Requests.Single();
        (request.AnthropicKey, request.Authorization).ShouldBe(("sk-ant-secret", null));
    }

    [Fact]
    public async Task Request_KeepsTheToolsListed_WhenNoneMayBeCalled()
    {
        await using var server = await OpenAiServer.StreamingAsync(Hello + Stop);
        using var client = Client(server);

        await client.AskAsync([new(ChatRole.User, "hello")], new ChatOptions { Tools = [Tool()], ToolMode = ChatToolMode.None });

        var body = server.Requests.Single().Body;
        body.GetProperty("tools").GetArrayLength().ShouldBe(1, "the service refuses a conversation of tool calls without tools");
        body.GetProperty("tool_choice").GetProperty("type").GetString().ShouldBe("none");
    }

    [Theory]
    [InlineData(400, """{"type":"error","error":{"type":"invalid_request_error","message":"bad tool"}}""", "bad tool", nameof(ModelFailure.Rejected))]
    [InlineData(401, """{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key sk-ant-secret"}}""", "invalid x-api-key ***. Check Models:ApiKey.", nameof(ModelFailure.Unauthorized))]
    [InlineData(404, """{"type":"error","error":{"type":"not_found_error","message":"model: x"}}""", "model: x. Check Models:BaseUrl and Models:Model.", nameof(ModelFailure.Rejected))]
    [InlineData(413, "<html><head><title>413 Too Large</title></head></html>", "an HTML page instead of an API's answer, \"413 Too Large\"", nameof(ModelFailure.Rejected))]
    public async Task Refusal_IsReadableAndNotRepeated(int status, string body, string message, string failure)
    {
        await using var server = await OpenAiServer.StartAsync((_, context) => OpenAiServer.RefuseAsync(context, status, body));
        using var client = Client(server);

        var error = await Should.ThrowAsync<ModelException>(() => client.AskAsync());

        error.Message.ShouldBe($"The model server answered {status}: {message}");
        error.Failure.ToString().ShouldBe(failure);
        server.Requests.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData(429, nameof(ModelFailure.RateLimited))]
    [InlineData(500, nameof(ModelFailure.Unavailable))]
    [InlineData(529, nameof(ModelFailure.Unavailable))]
    [InlineData(408, nameof(ModelFailure.Unavailable))]
    public async Task Turn_CostsExactlyThePolicysRequests_WhenTheServerKeepsRefusing(int status, string failure)
    {
        await using var server = await OpenAiServer.StartAsync((_, context) => OpenAiServer.RefuseAsync(context, status, "{}", retryAfter: "0"));
        using var client = Client(server);

        var error = await Should.ThrowAsync<ModelException>(() => client.AskAsync());

        (error.Failure.ToString(), error.RetryAfter).ShouldBe((failure, TimeSpan.Zero));
        server.Requests.Count.ShouldBe(3);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData(Hello, false)]
    [InlineData(Hello, true)]
    [InlineData(Hello + "event: content_block_delta\ndata: {\"type\":\n\n", false)]
    [InlineData(Hello + "event: content_block_delta\ndata: <html>\n\n", false)]
    public async Task Turn_StartsAgain_WhenTheStreamBreaks(string stream, bool abort)
    {
        ModelClient? client = null;
        await using var server = await OpenAiServer.StartAsync((number, context) =>
            number > 1 ? OpenAiServer.StreamAsync(context, Hello + Stop)
            : abort ? OpenAiServer.BreakAsync(context, stream, () => client!.Heard.Count == 2)
            : OpenAiServer.StreamAsync(context, stream));
        using var asking = client = Client(server);

        (await asking.AskAsync()).Text.ShouldBe("Hello");

        asking.Heard.ShouldContain("[reset]");
        server.Requests.Count.ShouldBe(2);
    }

    [Theory]
    [InlineData("overloaded_error", nameof(ModelFailure.Unavailable), 3)]
    [InlineData("rate_limit_error", nameof(ModelFailure.RateLimited), 3)]
    [InlineData("invalid_request_error", nameof(ModelFailure.Rejected), 1)]
    public async Task ErrorInTheStream_IsToldByItsKind(string type, string failure, int requests)
    {
        await using var server = await OpenAiServer.StreamingAsync(
            Hello + $"event: error\ndata: {{\"type\":\"error\",\"error\":{{\"type\":\"{type}\",\"message\":\"Too much of sk-ant-secret\"}}}}\n\n");
        using var client = Client(server);

        var error = await Should.ThrowAsync<ModelException>(() => client.AskAsync());

        error.Failure.ToString().ShouldBe(failure, error.Message);
        error.Message.ShouldBe("The model server reported an error in its stream: Too much of ***");
        server.Requests.Count.ShouldBe(requests);
    }

    [Fact]
    public async Task Turn_TimesOut_WhenTheServerFallsSilent()
    {
        var time = new ManualTimeProvider();
        await using var server = await OpenAiServer.StartAsync(async (_, context) =>
        {
            await OpenAiServer.StreamAsync(context, Hello);
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
        });
        using var client = Client(server, options => (options.MaxAttempts, options.Timeout) = (1, TimeSpan.FromSeconds(30)), time);

        var asking = client.AskAsync();
        await Eventually.HoldsAsync(() => client.Heard.Count == 2);
        await Eventually.HoldsAsync(() =>
        {
            time.Advance(TimeSpan.FromSeconds(31));
            return asking.IsCompleted;
        });

        var error = await Should.ThrowAsync<ModelException>(() => asking);
        error.Failure.ShouldBe(ModelFailure.Timeout, error.Message);
    }

    [Fact]
    public async Task Turn_IsCancelledAtOnce_InTheMiddleOfAStream()
    {
        using var cancel = new CancellationTokenSource();
        await using var server = await OpenAiServer.StartAsync(async (_, context) =>
        {
            await OpenAiServer.StreamAsync(context, Hello);
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
        });
        using var client = Client(server);

        var asking = client.AskAsync(cancel.Token);
        await Eventually.HoldsAsync(() => client.Heard.Count == 2);
        await cancel.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => asking);
        server.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Turn_SaysWhereItCouldNotConnect()
    {
        using var client = new ModelClient("http://127.0.0.1:1", options => (options.Provider, options.ApiKey, options.MaxAttempts) = (ModelOptions.Anthropic, "k", 1));

        var error = await Should.ThrowAsync<ModelException>(() => client.AskAsync());

        error.Failure.ShouldBe(ModelFailure.Unavailable);
        error.Message.ShouldStartWith("The model server at http://127.0.0.1:1 cannot be reached");
    }

    private static ModelClient Client(OpenAiServer server, Action<ModelOptions>? configure = null, TimeProvider? time = null) => new(
        server.BaseUrl[..^"/v1".Length],
        options =>
        {
            (options.Provider, options.ApiKey, options.MaxAttempts) = (ModelOptions.Anthropic, "sk-ant-secret", 3);
            configure?.Invoke(options);
        },
        time);

    private static AIFunctionDeclaration Tool() => AIFunctionFactory.CreateDeclaration(
        "f", "does f", JsonSerializer.SerializeToElement(JsonNode.Parse("""{"type":"object","properties":{"x":{"type":"integer"}}}""")));
}
