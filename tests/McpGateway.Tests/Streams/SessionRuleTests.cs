using McpGateway.Tests.Wire;

namespace McpGateway.Tests.Streams;

/// <summary>The rules that the revisions with sessions put on GET, DELETE and batches.</summary>
public sealed class SessionRuleTests(GuardedGateway guarded) : IClassFixture<GuardedGateway>
{
    private GatewayProcess Gateway => guarded.Gateway;

    [Theory]
    [InlineData("/mcp", "application/json", "own", null, 406)]
    [InlineData("/mcp", "text/event-stream", null, null, 400)]
    [InlineData("/mcp", "text/event-stream", "0123456789abcdef", null, 404)]
    [InlineData("/mcp", "text/event-stream", "own", "1999-01-01", 400)]
    [InlineData("/mcp", "text/event-stream", "own", "2026-07-28", 405)]
    [InlineData("/mcp/up", "text/event-stream", "own", null, 404)]
    [InlineData("/mcp/nobody", "text/event-stream", "own", null, 404)]
    [InlineData("/mcp", "text/event-stream", "own", "2025-06-18", 200)]
    [InlineData("/mcp", "*/*", "own", null, 200)]
    public async Task Get_IsAnsweredAsTheRevisionsSay(string path, string accept, string? session, string? version, int status)
    {
        var id = session == "own" ? await Gateway.InitializeAsync() : session;
        (string, string)[] headers = version is null ? [("Accept", accept)] : [("Accept", accept), ("MCP-Protocol-Version", version)];

        await using var stream = await EventReader.ListenAsync(Gateway, path, id, null, headers);

        stream.Status.ShouldBe(status);
        if (status == 405) stream.Response.Content.Headers.Allow.ShouldBe(["POST"]);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("aa-1-!!")]
    [InlineData("aa-1-e30")]
    public async Task LastEventId_ThatIsNone_IsRefused(string id)
    {
        await using var stream = await EventReader.ListenAsync(Gateway, "/mcp", await Gateway.InitializeAsync(), after: id);

        stream.Status.ShouldBe(400);
    }

    [Fact]
    public async Task LastEventId_OfAStreamNotKept_OpensANewOne()
    {
        await using var stream = await EventReader.ListenAsync(Gateway, "/mcp", await Gateway.InitializeAsync(), after: "0123456789-3");

        (await stream.NextAsync())!.Id!.ShouldEndWith("-0");
    }

    [Fact]
    public async Task RequestId_MayBeUsedAgain_OnceItsAnswerIsThere()
    {
        var session = await Gateway.InitializeAsync();
        for (var call = 0; call < 200; call++)
        {
            var reply = await Gateway.PostAsync("/mcp", """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"up__echo","arguments":{"text":"again"}}}""", ("Mcp-Session-Id", session));
            reply.Text.ShouldBe("again", reply.ToString());
        }
    }

    [Fact]
    public async Task Batch_IsAnsweredAsOne_InTheRevisionThatHasIt()
    {
        var session = await Gateway.InitializeAsync(version: "2025-03-26");

        var reply = await Gateway.PostAsync("/mcp",
            """ [{"jsonrpc":"2.0","id":"a","method":"ping"},{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}},{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"up__echo","arguments":{"text":"two"}}}]""",
            ("Mcp-Session-Id", session));

        reply.Status.ShouldBe(200);
        var answers = reply.Last.AsArray().ToDictionary(answer => answer!["id"]!.ToJsonString(), answer => answer!);
        answers.Keys.ShouldBe(["\"a\"", "2"], ignoreOrder: true);
        answers["2"]["result"]!["content"]![0]!["text"]!.GetValue<string>().ShouldBe("two");
    }

    [Fact]
    public async Task Batch_WithProgress_IsAnsweredOnAStream()
    {
        var session = await Gateway.InitializeAsync(version: "2025-03-26");

        var reply = await Gateway.PostAsync("/mcp",
            """[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"up__progress","arguments":{},"_meta":{"progressToken":"t"}}},{"jsonrpc":"2.0","id":2,"method":"ping"}]""",
            ("Mcp-Session-Id", session));

        reply.Messages.Count(message => message["method"] is not null).ShouldBe(3, reply.ToString());
        reply.Messages.TakeLast(2).Select(message => message["id"]!.GetValue<int>()).ShouldBe([1, 2], ignoreOrder: true);
    }

    [Theory]
    [InlineData("2025-03-26", """[{"jsonrpc":"2.0","method":"notifications/initialized"}]""", 202)]
    [InlineData("2025-03-26", "[]", 400)]
    [InlineData("2025-03-26", """[{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}]""", 400)]
    [InlineData("2025-03-26", """[{"jsonrpc":"2.0","id":1,"method":"ping"},7]""", 400)]
    [InlineData("2025-03-26", """[{"jsonrpc":"2.0","id":1,"method":"ping"}""", 400)]
    [InlineData("2025-06-18", """[{"jsonrpc":"2.0","id":1,"method":"ping"}]""", 400)]
    [InlineData("2025-11-25", """[{"jsonrpc":"2.0","id":1,"method":"ping"}]""", 400)]
    public async Task Batch_ThatIsNone_OrOfAnotherRevision_IsRefusedWhole(string version, string body, int status)
    {
        var session = await Gateway.InitializeAsync(version: version);

        (await Gateway.PostAsync("/mcp", body, ("Mcp-Session-Id", session))).Status.ShouldBe(status);
    }

    [Theory]
    [InlineData("Origin", "https://evil.example")]
    [InlineData("Host", "evil.example")]
    public async Task Stream_ForAForeignPage_IsForbidden(string header, string value)
    {
        foreach (var path in new[] { "/mcp", "/mcp/up", "/sse", "/mcp/sse", "/mcp/up/sse" })
        {
            await using var stream = await EventReader.ListenAsync(Gateway, path, await Gateway.InitializeAsync(), null, (header, value));
            stream.Status.ShouldBe(403, path);
        }
    }
}
