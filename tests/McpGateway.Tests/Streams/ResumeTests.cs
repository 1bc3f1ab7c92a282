using McpGateway.Tests.Wire;

namespace McpGateway.Tests.Streams;

/// <summary>A call whose client loses the connection: it runs on, once, and its answer waits for the client.</summary>
public sealed class ResumeTests
{
    [Fact]
    public async Task Call_RunsOnWithoutItsClient_AndItsAnswerIsFetched()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        var session = await gateway.InitializeAsync();
        var lost = await StartStepsAsync(gateway, session);
        var primed = (await lost.NextAsync())!;
        primed.Data.ShouldBe("");
        var progress = (await lost.NextMessageAsync())!;
        progress.Message["params"]!["progress"]!.GetValue<int>().ShouldBe(1);
        await lost.DisposeAsync();
        await ListeningTests.StreamsAsync(gateway, session, connected: 0);
        upstream.Release.SetResult();

        await using var rest = await EventReader.ListenAsync(gateway, "/mcp", session, after: progress.Id);
        (await rest.NextMessageAsync()).Message["params"]!["progress"]!.GetValue<int>().ShouldBe(2);
        var answer = await rest.NextMessageAsync();
        answer.Message["id"]!.GetValue<int>().ShouldBe(7);
        answer.Message["result"]!["content"]![0]!["text"]!.GetValue<string>().ShouldBe("stepped");
        (await rest.NextAsync()).ShouldBeNull();

        // From the start, too, and as often as it takes.
        await using var all = await EventReader.ListenAsync(gateway, "/mcp", session, after: primed.Id);
        (await all.NextMessageAsync()).Id.ShouldBe(progress.Id);
        (await all.NextMessageAsync()).Message["params"]!["progress"]!.GetValue<int>().ShouldBe(2);
        (await all.NextMessageAsync()).Id.ShouldBe(answer.Id);
        upstream.Runs("steps").ShouldBe(1);
        upstream.Count("notifications/cancelled").ShouldBe(0);
    }

    [Fact]
    public async Task Call_GoesOnOnTheNewConnection_WhileItRuns()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        var session = await gateway.InitializeAsync();
        await using var first = await StartStepsAsync(gateway, session);
        var progress = await first.NextMessageAsync();

        // The old connection need not have broken: the client may know better.
        await using var second = await EventReader.ListenAsync(gateway, "/mcp", session, after: progress.Id);
        second.Status.ShouldBe(200);
        (await first.NextAsync()).ShouldBeNull();
        upstream.Release.SetResult();

        (await second.NextMessageAsync()).Message["params"]!["progress"]!.GetValue<int>().ShouldBe(2);
        (await second.NextMessageAsync()).Message["result"].ShouldNotBeNull();
    }

    [Fact]
    public async Task EventIdOfAnotherSession_OpensNothingOfIt()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        var (owner, thief) = (await gateway.InitializeAsync(), await gateway.InitializeAsync());
        await using var call = await StartStepsAsync(gateway, owner);
        var progress = await call.NextMessageAsync();

        await using var stolen = await EventReader.ListenAsync(gateway, "/mcp", thief, after: progress.Id);

        // Whoever names a call that is not kept is told that its answer is lost.
        var told = await stolen.NextMessageAsync();
        (told.Message["id"]!.GetValue<int>(), told.Message["error"]!["code"]!.GetValue<int>()).ShouldBe((7, -32051));
        (await stolen.NextAsync()).ShouldBeNull();
        upstream.Release.SetResult();
        (await call.NextMessageAsync()).Message["params"]!["progress"]!.GetValue<int>().ShouldBe(2);
    }

    [Fact]
    public async Task Cancel_StillCancels_WhenTheClientIsAway()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        var session = await gateway.InitializeAsync();
        var lost = await StartStepsAsync(gateway, session);
        var progress = await lost.NextMessageAsync();
        await lost.DisposeAsync();

        (await gateway.PostAsync("/mcp", """{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}""", ("Mcp-Session-Id", session))).Status.ShouldBe(202);

        await using var rest = await EventReader.ListenAsync(gateway, "/mcp", session, after: progress.Id);
        (await rest.NextAsync()).ShouldBeNull();
    }

    [Fact]
    public async Task Answer_IsAStream_WhenTheClientTakesNothingElse()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        var session = await gateway.InitializeAsync();

        await using var reply = await EventReader.PostAsync(gateway, "/mcp", """{"jsonrpc":"2.0","id":1,"method":"ping"}""", ("Mcp-Session-Id", session), ("Accept", "text/event-stream"));

        (await reply.NextMessageAsync()).Message["result"].ShouldNotBeNull();
        (await reply.NextAsync()).ShouldBeNull();
    }

    private static Task<EventReader> StartStepsAsync(GatewayProcess gateway, string session) => EventReader.PostAsync(
        gateway, "/mcp", """{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"up__steps","arguments":{},"_meta":{"progressToken":"p"}}}""", ("Mcp-Session-Id", session));
}
