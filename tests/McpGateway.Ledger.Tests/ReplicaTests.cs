using System.Text.Json.Nodes;
using McpGateway.Tests.Streams;
using McpGateway.Tests.Wire;
using Microsoft.AspNetCore.Http;

namespace McpGateway.Ledger.Tests;

/// <summary>Two gateways in processes of their own with one Redis: what a client says to the one reaches what it has at the other.</summary>
public sealed class ReplicaTests : IAsyncLifetime
{
    private const string Steps = """{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"up__steps","arguments":{},"_meta":{"progressToken":"p"}}}""";

    private static readonly string s_keys = $"a:{Convert.ToBase64String(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32))}";

    private readonly RedisServer _server = new();
    private readonly List<TemporaryDirectory> _directories = [];
    private ScriptedUpstream _upstream = null!;
    private GatewayProcess _one = null!;
    private GatewayProcess _two = null!;

    public async ValueTask InitializeAsync()
    {
        await _server.StartAsync();
        _upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
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

    [Fact]
    public async Task Cancellation_ReachesTheCall_AtTheOtherGateway()
    {
        var session = await _one.InitializeAsync();
        await using var call = await EventReader.PostAsync(_one, "/mcp", Steps, ("Mcp-Session-Id", session));
        await call.NextMessageAsync();

        (await _two.PostAsync("/mcp", """{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}""", ("Mcp-Session-Id", session))).Status.ShouldBe(202);

        // No answer to a cancelled request: the stream just ends.
        (await call.NextAsync()).ShouldBeNull();
    }

    [Fact]
    public async Task Session_IsNotSaidToBeGone_WhileTheStoreDoesNotAnswer()
    {
        var session = await _one.InitializeAsync();
        await _server.Process.StopAsync();

        var refused = await _two.PostAsync("/mcp", """{"jsonrpc":"2.0","id":1,"method":"ping"}""", ("Mcp-Session-Id", session));

        refused.Status.ShouldBe(503, refused.ToString());
        (await _one.PostAsync("/mcp", """{"jsonrpc":"2.0","id":1,"method":"ping"}""", ("Mcp-Session-Id", session))).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Answer_ReachesTheQuestion_AtTheOtherGateway()
    {
        _upstream.Misbehave = Inquire();
        var session = await InitializeAsync(_one, """{"sampling":{}}""");
        await using var call = await EventReader.PostAsync(_one, "/mcp", """{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"up__echo","arguments":{}}}""", ("Mcp-Session-Id", session));
        var question = await call.NextMessageAsync();
        question.Method.ShouldBe("sampling/createMessage");
        var answer = $$$"""{"jsonrpc":"2.0","id":{{{question.Message["id"]!.ToJsonString()}}},"result":{"role":"assistant","content":{"type":"text","text":"from afar"},"model":"m"}}""";

        // The second one comes too late, wherever it comes.
        (await _two.PostAsync("/mcp", answer, ("Mcp-Session-Id", session))).Status.ShouldBe(202);
        (await _two.PostAsync("/mcp", answer, ("Mcp-Session-Id", session))).Status.ShouldBe(202);

        (await call.NextMessageAsync()).Message["result"]!["content"]![0]!["text"]!.GetValue<string>().ShouldBe("from afar");
    }

    [Fact]
    public async Task Delete_EndsTheSession_AtBothGateways()
    {
        var session = await _one.InitializeAsync();
        (await _two.CallAsync(session, "/mcp", "up__echo", """{"text":"here too"}""")).Text.ShouldBe("here too");
        await using var listening = await EventReader.ListenAsync(_one, "/mcp", session);
        (await listening.NextAsync())!.Data.ShouldBe("");
        using var delete = new HttpRequestMessage(HttpMethod.Delete, "/mcp");
        delete.Headers.Add("Mcp-Session-Id", session);

        (await _two.Client.SendAsync(delete, TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();

        (await listening.NextAsync()).ShouldBeNull();
        (await _one.CallAsync(session, "/mcp", "up__echo")).Status.ShouldBe(404);
        (await _two.CallAsync(session, "/mcp", "up__echo")).Status.ShouldBe(404);
    }

    [Fact]
    public async Task MessagesOutsideCalls_GoToTheGateway_ThatTheClientListensAt()
    {
        await using var talker = await ScriptedUpstream.StartAsync(Speech.Sse);
        foreach (var gateway in new[] { _one, _two })
        {
            gateway.Rewrite(GatewayProcess.Entry("up", _upstream.Url), GatewayProcess.Entry("talker", $"{talker.BaseAddress}sse", """, "type": "sse" """));
            await Eventually.PassesAsync(() => gateway.ReadyAsync("talker"));
        }

        var session = await InitializeAsync(_one, """{"sampling":{}}""");
        (await _one.CallAsync(session, "/mcp", "talker__echo", """{"text":"mine"}""")).Text.ShouldBe("mine");
        await using var listening = await EventReader.ListenAsync(_two, "/mcp", session);
        (await listening.NextAsync())!.Data.ShouldBe("");

        for (var i = 1; i <= 3; i++) await talker.SayAsync(JsonNode.Parse($$$"""{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"file:///{{{i}}}"}}""")!);
        await talker.SayAsync(JsonNode.Parse("""{"jsonrpc":"2.0","id":"q","method":"sampling/createMessage","params":{"messages":[],"maxTokens":10}}""")!);

        for (var i = 1; i <= 3; i++) (await listening.NextMessageAsync()).Message["params"]!["uri"]!.GetValue<string>().ShouldBe($"file:///{i}");
        var question = await listening.NextMessageAsync();
        question.Method.ShouldBe("sampling/createMessage");
        var answer = $$$"""{"jsonrpc":"2.0","id":{{{question.Message["id"]!.ToJsonString()}}},"result":{"role":"assistant","content":{"type":"text","text":"from afar"},"model":"m"}}""";
        (await _two.PostAsync("/mcp", answer, ("Mcp-Session-Id", session))).Status.ShouldBe(202);
        await Eventually.HoldsAsync(() => talker.Arrivals.Any(arrival => arrival.Body?["id"]?.ToJsonString() == "\"q\"" && arrival.Body["result"]?["content"]?["text"]?.GetValue<string>() == "from afar"));
    }

    /// <summary>An upstream whose tool asks the client's model, and answers what that says.</summary>
    private static Func<HttpContext, JsonNode?, Task<bool>> Inquire()
    {
        var said = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        return async (context, message) =>
        {
            if (message?["result"]?["content"] is { } content)
            {
                said.SetResult(content["text"]!.GetValue<string>());
                context.Response.StatusCode = 202;
                return true;
            }

            if (message?["method"]?.GetValue<string>() != "tools/call") return false;
            context.Response.ContentType = "text/event-stream";
            await SendAsync("""{"jsonrpc":"2.0","id":"q","method":"sampling/createMessage","params":{"messages":[],"maxTokens":10}}""");
            await SendAsync($$$"""{"jsonrpc":"2.0","id":{{{message["id"]!.ToJsonString()}}},"result":{"content":[{"type":"text","text":"{{{await said.Task}}}"}]}}""");
            return true;

            async Task SendAsync(string text)
            {
                await context.Response.WriteAsync($"data: {text}\n\n", context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }
        };
    }

    [Fact]
    public async Task Stream_GoesOnAtTheOtherGateway_AndBack()
    {
        var session = await _one.InitializeAsync();
        var call = await EventReader.PostAsync(_one, "/mcp", Steps, ("Mcp-Session-Id", session));
        var primed = (await call.NextAsync())!;
        var progress = await call.NextMessageAsync();
        await using var there = await EventReader.ListenAsync(_two, "/mcp", session, after: primed.Id);
        (await there.NextMessageAsync()).Id.ShouldBe(progress.Id);
        // The old connection has given way.
        (await call.NextAsync()).ShouldBeNull();

        _upstream.Release.SetResult();

        (await there.NextMessageAsync()).Message["params"]!["progress"]!.GetValue<int>().ShouldBe(2);
        var answer = await there.NextMessageAsync();
        answer.Message["result"]!["content"]![0]!["text"]!.GetValue<string>().ShouldBe("stepped");
        (await there.NextAsync()).ShouldBeNull();
        foreach (var gateway in new[] { _one, _two })
        {
            await using var again = await EventReader.ListenAsync(gateway, "/mcp", session, after: progress.Id);
            (await again.NextMessageAsync()).Message["params"]!["progress"]!.GetValue<int>().ShouldBe(2);
            (await again.NextMessageAsync()).ShouldBe(answer);
            (await again.NextAsync()).ShouldBeNull();
        }

        _upstream.Runs("steps").ShouldBe(1);
    }

    [Fact]
    public async Task Stream_EndsWithOutcomeUnknown_WhenItsGatewayIsKilled()
    {
        var session = await _one.InitializeAsync();
        await using var call = await EventReader.PostAsync(_one, "/mcp", Steps, ("Mcp-Session-Id", session));
        var progress = await call.NextMessageAsync();
        await using var there = await EventReader.ListenAsync(_two, "/mcp", session, after: progress.Id);
        there.Status.ShouldBe(200);

        _one.Service.Kill();
        await _one.Service.WaitForExitAsync();

        var told = await there.NextMessageAsync();
        (told.Message["id"]!.GetValue<int>(), told.Message["error"]!["code"]!.GetValue<int>()).ShouldBe((7, -32051));
        (await there.NextAsync()).ShouldBeNull();
        await using var again = await EventReader.ListenAsync(_two, "/mcp", session, after: progress.Id);
        (await again.NextMessageAsync()).Message["error"]!["code"]!.GetValue<int>().ShouldBe(-32051);
    }

    [Fact]
    public async Task Pair_TakesMessages_ThatCameToTheOtherGateway_UntilItsGatewayIsKilled()
    {
        await using var stream = await EventReader.ListenAsync(_one, "/sse", null);
        var endpoint = (await stream.NextAsync())!.Data;
        (await _two.PostAsync(endpoint, """{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}""")).Status.ShouldBe(202);
        (await stream.NextMessageAsync()).Message["result"]!["protocolVersion"]!.GetValue<string>().ShouldBe("2024-11-05");
        (await _two.PostAsync(endpoint, """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"up__echo","arguments":{"text":"from afar"}}}""")).Status.ShouldBe(202);
        (await stream.NextMessageAsync()).Message["result"]!["content"]![0]!["text"]!.GetValue<string>().ShouldBe("from afar");

        _one.Service.Kill();
        await _one.Service.WaitForExitAsync();

        // Until it counts as dead it may only be busy.
        var status = await Eventually.SeesAsync(async () => (await _two.PostAsync(endpoint, """{"jsonrpc":"2.0","id":2,"method":"ping"}""")).Status, status => status != 504);
        status.ShouldBe(404);
    }

    private static async Task<string> InitializeAsync(GatewayProcess gateway, string capabilities)
    {
        var reply = await gateway.PostAsync("/mcp", $$$$"""{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{{{{capabilities}}}},"clientInfo":{"name":"test","version":"1"}}}""");
        return reply.Response.Headers.GetValues("Mcp-Session-Id").Single();
    }

    private async Task<GatewayProcess> StartAsync()
    {
        var directory = new TemporaryDirectory();
        lock (_directories) _directories.Add(directory);
        var settings = new Dictionary<string, string?> { ["ConnectionStrings__cache"] = _server.Process.ConnectionString, ["Gateway__OwnerTimeout"] = "00:00:03", ["Gateway__Keys"] = s_keys };
        var gateway = await GatewayProcess.StartAsync(directory, ownsDirectory: false, settings, GatewayProcess.Entry("up", _upstream.Url));
        await gateway.ReadyAsync("up");
        return gateway;
    }
}
