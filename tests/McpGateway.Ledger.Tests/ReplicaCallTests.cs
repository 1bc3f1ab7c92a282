using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;
using McpGateway.Tests.Streams;
using McpGateway.Tests.Wire;
using Microsoft.AspNetCore.Http;

namespace McpGateway.Ledger.Tests;

/// <summary>Two gateways in processes of their own with one Redis: a call that waits at the one for its client goes on when that comes to the other.</summary>
public sealed class ReplicaCallTests : IAsyncLifetime
{
    private static readonly string s_keys = $"a:{Convert.ToBase64String(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32))}";

    private readonly RedisServer _server = new();
    private readonly List<TemporaryDirectory> _directories = [];
    private readonly Curiosity _curiosity = new();
    private ScriptedUpstream _upstream = null!;
    private GatewayProcess _one = null!;
    private GatewayProcess _two = null!;

    public async ValueTask InitializeAsync()
    {
        await _server.StartAsync();
        _upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        _upstream.Misbehave = _curiosity.AskAsync;
        var both = await Task.WhenAll(StartAsync(), StartAsync());
        (_one, _two) = (both[0], both[1]);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var gateway in new[] { _one, _two }) await gateway.DisposeAsync();
        await _upstream.DisposeAsync();
        await _server.DisposeAsync();
        foreach (var directory in _directories) directory.Dispose();
    }

    [Theory]
    [InlineData("/mcp/up", "echo")]
    [InlineData("/mcp", "up__echo")]
    public async Task Call_GoesOnWhereItWaits_RoundByRound_WhenItsAnswersComeElsewhere(string path, string tool)
    {
        (_curiosity.Rounds, _curiosity.Extent) = (2, 200_000);
        var first = await AskedAsync(_one, path, tool);

        await using var response = await RetryAsync(_two, first, path, tool, token: "here");
        var progress = await response.NextMessageAsync();
        (progress.Method, progress.Message["params"]!["progressToken"]!.GetValue<string>()).ShouldBe(("notifications/progress", "here"));
        var second = (await response.NextMessageAsync()).Message["result"]!;
        second["resultType"]!.GetValue<string>().ShouldBe("input_required");
        second["requestState"]!.GetValue<string>().ShouldNotBe(first["requestState"]!.GetValue<string>());
        await using var last = await RetryAsync(_two, second, path, tool);
        (await last.NextMessageAsync()).Method.ShouldBe("notifications/progress");

        (await last.NextMessageAsync()).Message["result"]!["content"]![0]!["text"]!.GetValue<string>().ShouldBe($"yes yes {new string('x', 200_000)}");
        _upstream.Count("tools/call").ShouldBe(1);
    }

    [Fact]
    public async Task Answer_IsPlainJson_WhereNothingComesBeforeIt_AndKeepsAnErrorsStatus()
    {
        _curiosity.Told = false;
        await using var answered = await RetryAsync(_two, await AskedAsync(_one));
        (await JsonAsync(answered))["result"]!["content"]![0]!["text"]!.GetValue<string>().ShouldBe("yes ");
        _curiosity.Error = -32601;

        await using var refused = await RetryAsync(_two, await AskedAsync(_one));

        refused.Status.ShouldBe(404);
        (await JsonAsync(refused))["error"]!["code"]!.GetValue<int>().ShouldBe(-32601);
    }

    [Fact]
    public async Task TwoTries_AtBothGatewaysAtOnce_GoOnOnce()
    {
        for (var i = 0; i < 5; i++)
        {
            var asked = await AskedAsync(_one);

            var answers = await Task.WhenAll(new[] { _one, _two }.Select(async gateway =>
            {
                await using var response = await RetryAsync(gateway, asked);
                return await AnswerAsync(response);
            }));

            answers.Count(answer => answer["result"] is not null).ShouldBe(1);
            var refused = answers.Single(answer => answer["error"] is not null)["error"]!;
            refused["code"]!.GetValue<int>().ShouldBe(-32602);
            refused["message"]!.GetValue<string>().ShouldContain("Start again");
        }

        _curiosity.Answers.ShouldBe(5);
    }

    [Fact]
    public async Task Try_IsToldToStartAgain_WhenTheGatewayThatHeldTheCallIsKilled()
    {
        var asked = await AskedAsync(_one);
        _one.Service.Kill();
        await _one.Service.WaitForExitAsync();

        // At once, while it does not count as dead yet, and when it does.
        for (var i = 0; i < 2; i++)
        {
            await using var response = await RetryAsync(_two, asked);
            var error = (await AnswerAsync(response))["error"]!;
            error["code"]!.GetValue<int>().ShouldBe(-32602);
            error["message"]!.GetValue<string>().ShouldContain("Start again");
        }
    }

    [Fact]
    public async Task Call_HasAnUnknownOutcome_WhenItsGatewayIsKilledWhileItGoesOn()
    {
        _curiosity.Holds = true;
        await using var response = await RetryAsync(_two, await AskedAsync(_one));
        (await response.NextMessageAsync()).Method.ShouldBe("notifications/progress");

        _one.Service.Kill();
        await _one.Service.WaitForExitAsync();

        (await response.NextMessageAsync()).Message["error"]!["code"]!.GetValue<int>().ShouldBe(-32051);
    }

    [Fact]
    public async Task Call_IsCancelledUpstream_WhenItsClientLeavesTheOtherGateway()
    {
        _curiosity.Holds = true;
        var asked = await AskedAsync(_one);
        await using (var response = await RetryAsync(_two, asked)) (await response.NextMessageAsync()).Method.ShouldBe("notifications/progress");

        await Eventually.HoldsAsync(() => _upstream.Count("notifications/cancelled") == 1);
        await using var again = await RetryAsync(_two, asked);
        (await AnswerAsync(again))["error"]!["code"]!.GetValue<int>().ShouldBe(-32602);
        await Eventually.SeesAsync(() => _one.ReportAsync("up"), report => report["pool"]!["leased"]!.GetValue<int>() == 0);
    }

    [Fact]
    public async Task State_BelongsToOneRequest_AtEveryGateway()
    {
        var asked = await AskedAsync(_one);

        foreach (var (path, arguments) in new[] { ("/mcp/other", "{}"), ("/mcp/up", """{"another":1}""") })
        {
            await using var wrong = await RetryAsync(_two, asked, path, arguments: arguments);
            (await AnswerAsync(wrong))["error"]!["code"]!.GetValue<int>().ShouldBe(-32602);
        }

        // None of them has touched the call.
        await using var right = await RetryAsync(_two, asked);
        var answer = await AnswerAsync(right);
        answer["result"].ShouldNotBeNull(answer.ToJsonString())["content"]![0]!["text"]!.GetValue<string>().ShouldBe("yes ");
    }

    private static async Task<JsonNode> AskedAsync(GatewayProcess gateway, string path = "/mcp/up", string tool = "echo")
    {
        await using var response = await PostAsync(gateway, path, tool, "{}", "", "first");
        var answer = await AnswerAsync(response);
        answer["result"].ShouldNotBeNull(answer.ToJsonString())["resultType"]!.GetValue<string>().ShouldBe("input_required");
        return answer["result"]!;
    }

    private static Task<EventReader> RetryAsync(GatewayProcess gateway, JsonNode asked, string path = "/mcp/up", string tool = "echo", string arguments = "{}", string token = "p")
    {
        var responses = new JsonObject(asked["inputRequests"]!.AsObject().Select(request =>
            KeyValuePair.Create<string, JsonNode?>(request.Key, JsonNode.Parse("""{"role":"assistant","content":{"type":"text","text":"yes"},"model":"m"}"""))));
        return PostAsync(gateway, path, tool, arguments, $"\"inputResponses\":{responses.ToJsonString()},\"requestState\":{asked["requestState"]!.ToJsonString()},", token);
    }

    private static Task<EventReader> PostAsync(GatewayProcess gateway, string path, string tool, string arguments, string members, string token)
    {
        var envelope = $$$"""{"progressToken":"{{{token}}}","io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"test","version":"1"},"io.modelcontextprotocol/clientCapabilities":{"sampling":{} } }""";
        var body = $$$"""{"jsonrpc":"2.0","id":"c","method":"tools/call","params":{"name":"{{{tool}}}","arguments":{{{arguments}}},{{{members}}}"_meta":{{{envelope}}} } }""";
        return EventReader.PostAsync(gateway, path, body, ("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/call"), ("Mcp-Name", tool));
    }

    /// <summary>The message that ends the response, whatever comes before it.</summary>
    private static async Task<JsonNode> AnswerAsync(EventReader response)
    {
        if (response.Response.Content.Headers.ContentType?.MediaType == "application/json") return await JsonAsync(response);
        while (true)
        {
            if (await response.NextMessageAsync() is { Method: null } answer) return answer.Message;
        }
    }

    private static async Task<JsonNode> JsonAsync(EventReader response)
    {
        response.Response.Content.Headers.ContentType?.MediaType.ShouldBe("application/json");
        return (await JsonNode.ParseAsync(await response.Response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken), cancellationToken: TestContext.Current.CancellationToken))!;
    }

    private async Task<GatewayProcess> StartAsync()
    {
        var directory = new TemporaryDirectory();
        lock (_directories) _directories.Add(directory);
        var settings = new Dictionary<string, string?> { ["ConnectionStrings__cache"] = _server.Process.ConnectionString, ["Gateway__OwnerTimeout"] = "00:00:03", ["Gateway__Keys"] = s_keys };
        var gateway = await GatewayProcess.StartAsync(directory, ownsDirectory: false, settings, GatewayProcess.Entry("up", _upstream.Url), GatewayProcess.Entry("other", _upstream.Url));
        foreach (var upstream in new[] { "up", "other" }) await gateway.ReadyAsync(upstream);
        return gateway;
    }

    /// <summary>A tool that asks its client's model, tells of progress, and answers what that has said.</summary>
    private sealed class Curiosity
    {
        private readonly ConcurrentDictionary<string, TaskCompletionSource<string>> _asked = new(StringComparer.Ordinal);
        private int _lastId;
        private int _answers;

        /// <summary>How often it asks.</summary>
        public int Rounds { get; set; } = 1;

        /// <summary>Length of what it adds to its answer.</summary>
        public int Extent { get; set; }

        /// <summary>Whether it tells of progress after each answer.</summary>
        public bool Told { get; set; } = true;

        /// <summary>Whether it never answers once it has been answered.</summary>
        public bool Holds { get; set; }

        /// <summary>The code of the error that it answers with; 0 for a result.</summary>
        public int Error { get; set; }

        /// <summary>Answers it has got.</summary>
        public int Answers => Volatile.Read(ref _answers);

        public async Task<bool> AskAsync(HttpContext context, JsonNode? message)
        {
            if (message?["result"]?["content"]?["text"]?.GetValue<string>() is { } said)
            {
                Interlocked.Increment(ref _answers);
                _asked[message["id"]!.GetValue<string>()].SetResult(said);
                context.Response.StatusCode = 202;
                return true;
            }

            if (message?["method"]?.GetValue<string>() != "tools/call") return false;
            context.Response.ContentType = "text/event-stream";
            var heard = new StringBuilder();
            for (var round = 0; round < Rounds; round++)
            {
                var id = $"q{Interlocked.Increment(ref _lastId)}";
                var answer = _asked[id] = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
                await SendAsync(context, $$$"""{"jsonrpc":"2.0","id":"{{{id}}}","method":"sampling/createMessage","params":{"messages":[],"maxTokens":10}}""");
                heard.Append(await answer.Task.WaitAsync(context.RequestAborted)).Append(' ');
                if (Told) await SendAsync(context, $$$"""{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":{{{message["params"]!["_meta"]!["progressToken"]!.ToJsonString()}}},"progress":{{{round}}} } }""");
            }

            if (Holds) await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            else if (Error != 0) await SendAsync(context, $$$"""{"jsonrpc":"2.0","id":{{{message["id"]!.ToJsonString()}}},"error":{"code":{{{Error}}},"message":"no"} }""");
            else await SendAsync(context, $$$"""{"jsonrpc":"2.0","id":{{{message["id"]!.ToJsonString()}}},"result":{"content":[{"type":"text","text":"{{{heard.Append('x', Extent)}}}"}]} }""");
            return true;
        }

        private static async Task SendAsync(HttpContext context, string text)
        {
            await context.Response.WriteAsync($"data: {text}\n\n", context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        }
    }
}
