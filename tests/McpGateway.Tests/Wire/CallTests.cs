using System.Text.Json.Nodes;

namespace McpGateway.Tests.Wire;

public sealed class CallTests
{
    [Fact]
    public async Task FirstCall_OfANewClient_IsOneRequestUpstream()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");

        var before = upstream.Arrivals.Count;
        var session = await gateway.InitializeAsync("/mcp/up");
        upstream.Arrivals.Count.ShouldBe(before, "initialize and tools/list of a client touch no upstream");
        var reply = await gateway.CallAsync(session, "/mcp/up", "echo", """{"text":"hi"}""");

        reply.Text.ShouldBe("hi", reply.ToString());
        // The pool opens its next session meanwhile; on the one that served the call there was nothing but the call.
        var call = upstream.Arrivals.Single(arrival => arrival.Method == "tools/call");
        upstream.Arrivals.Skip(before).Where(arrival => arrival.Session == call.Session).ShouldHaveSingleItem();
        call.Session.ShouldNotBe(session, "session ids never cross");
    }

    [Theory]
    [InlineData(Speech.Sessions)]
    [InlineData(Speech.Stateless)]
    [InlineData(Speech.Sse)]
    [InlineData(Speech.Modern)]
    public async Task Upstream_IsProbedOnce_AndNeverAgainAfterARestart(object speech)
    {
        using var directory = new TemporaryDirectory();
        await using var upstream = await ScriptedUpstream.StartAsync((Speech)speech);
        var entry = GatewayProcess.Entry("up", upstream.Url);
        await using (var first = await GatewayProcess.StartAsync(directory, ownsDirectory: false, null, entry))
        {
            await first.ReadyAsync("up");
            (await first.ModernCallAsync("/mcp", "up__echo", """{"text":"a"}""")).Text.ShouldBe("a");
            var session = await first.InitializeAsync();
            (await first.CallAsync(session, "/mcp", "up__echo", """{"text":"b"}""")).Text.ShouldBe("b");
            (await first.Service.StopAsync()).ShouldBe(0);
        }

        upstream.Count("server/discover").ShouldBe(1);
        var before = upstream.Arrivals.Count;
        await using var second = await GatewayProcess.StartAsync(directory, ownsDirectory: false, null, entry);
        await second.ReadyAsync("up");
        (await second.ModernCallAsync("/mcp/up", "echo", """{"text":"c"}""")).Text.ShouldBe("c");

        // A modern upstream is opened with discover, which is its handshake; the others never see it again.
        upstream.Count("server/discover").ShouldBeLessThanOrEqualTo((Speech)speech == Speech.Modern ? 2 : 1);
        if ((Speech)speech == Speech.Sse) upstream.Arrivals.Skip(before).First().Method.ShouldBe("GET");
    }

    [Theory]
    [InlineData(Speech.Sessions)]
    [InlineData(Speech.Stateless)]
    [InlineData(Speech.Modern)]
    public async Task Progress_ReachesTheClient_ByItsOwnToken(object speech)
    {
        await using var upstream = await ScriptedUpstream.StartAsync((Speech)speech);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        var session = await gateway.InitializeAsync();

        var text = await gateway.CallAsync(session, "/mcp", "up__progress", token: "\"tök\"");
        var number = await gateway.ModernCallAsync("/mcp/up", "progress", token: "99");
        var none = await gateway.CallAsync(session, "/mcp", "up__progress");

        text.Messages.Count.ShouldBe(4, text.ToString());
        text.Messages.Take(3).Select(message => message["params"]!["progressToken"]!.GetValue<string>()).ShouldAllBe(token => token == "tök");
        text.Messages.Take(3).Select(message => message["params"]!["progress"]!.GetValue<int>()).ShouldBe([1, 2, 3]);
        number.Messages.Take(3).Select(message => message["params"]!["progressToken"]!.GetValue<int>()).ShouldAllBe(token => token == 99);
        number.Text.ShouldBe("done");
        none.Messages.Count.ShouldBe(1);
        var upstreams = upstream.Arrivals.Where(arrival => arrival.Method == "tools/call").Select(arrival => arrival.Body!["params"]!["_meta"]?["progressToken"]?.ToJsonString()).ToArray();
        upstreams[0].ShouldNotBe("\"tök\"");
        upstreams[1].ShouldNotBe("99");
        upstreams[2].ShouldBeNull();
    }

    [Fact]
    public async Task Cancel_OfALegacyClient_ReachesTheUpstreamWithItsOwnId_AndThePinnedSessionGoesOn()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        var session = await gateway.InitializeAsync();
        await gateway.CallAsync(session, "/mcp", "up__remember", """{"value":"kept"}""");
        var calling = gateway.CallAsync(session, "/mcp", "up__slow", id: 4711);
        await Eventually.HoldsAsync(() => upstream.Runs("slow") == 1);

        (await gateway.PostAsync("/mcp", """{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":4711}}""", ("Mcp-Session-Id", session))).Status.ShouldBe(202);

        (await calling).Messages.ShouldBeEmpty();
        await Eventually.HoldsAsync(() => upstream.Count("notifications/cancelled") == 1);
        var slow = upstream.Arrivals.Single(arrival => arrival.Body?["params"]?["name"]?.GetValue<string>() == "slow");
        var cancelled = upstream.Arrivals.Single(arrival => arrival.Method == "notifications/cancelled");
        cancelled.Body!["params"]!["requestId"]!.ToJsonString().ShouldBe(slow.Body!["id"]!.ToJsonString());
        cancelled.Session.ShouldBe(slow.Session);
        (await gateway.CallAsync(session, "/mcp", "up__recall")).Text.ShouldBe("kept");
    }

    [Fact]
    public async Task Cancel_OfAModernClient_IsItsClosedConnection_AndTheSessionIsNotUsedAgain()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        using var cancellation = new CancellationTokenSource();
        var calling = gateway.ModernCallAsync("/mcp", "up__slow", cancellationToken: cancellation.Token);
        await Eventually.HoldsAsync(() => upstream.Runs("slow") == 1);

        await cancellation.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(calling);
        await Eventually.HoldsAsync(() => upstream.Count("notifications/cancelled") == 1);
        var burned = upstream.Arrivals.Single(arrival => arrival.Method == "notifications/cancelled").Session;
        await Eventually.HoldsAsync(() => upstream.Arrivals.Any(arrival => arrival.Method == "DELETE" && arrival.Session == burned));
        (await gateway.ModernCallAsync("/mcp", "up__echo", """{"text":"on"}""")).Text.ShouldBe("on");
    }

    [Fact]
    public async Task Cancel_ClosesTheStreamOfAModernUpstream()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Modern);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        using var cancellation = new CancellationTokenSource();
        var calling = gateway.ModernCallAsync("/mcp/up", "slow", cancellationToken: cancellation.Token);
        await Eventually.HoldsAsync(() => upstream.Runs("slow") == 1);

        await cancellation.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(calling);
        await upstream.Abandoned.Task.WaitAsync(Eventually.Patience, TimeProvider.System, TestContext.Current.CancellationToken);
        upstream.Count("notifications/cancelled").ShouldBe(0);
    }

    [Fact]
    public async Task Disconnect_OfALegacyClient_CancelsNothing()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        var session = await gateway.InitializeAsync();
        using var cancellation = new CancellationTokenSource();
        var calling = gateway.PostAsync("/mcp", """{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"up__slow"}}""", cancellation.Token, ("Mcp-Session-Id", session));
        await Eventually.HoldsAsync(() => upstream.Runs("slow") == 1);
        await cancellation.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(calling);

        // The session's other calls go on, and so does this one, whose end gives the lease back.
        (await gateway.CallAsync(session, "/mcp", "up__echo", """{"text":"other"}""")).Text.ShouldBe("other");
        (await gateway.ReportAsync("up"))["pool"]!["leased"]!.GetValue<int>().ShouldBe(1);
        upstream.Release.SetResult();
        await Eventually.SeesAsync(() => gateway.ReportAsync("up"), report => report["pool"]!["leased"]!.GetValue<int>() == 0);
        upstream.Count("notifications/cancelled").ShouldBe(0);
        upstream.Abandoned.Task.IsCompleted.ShouldBeFalse();
    }

    [Fact]
    public async Task Call_RunsOnce_WhenTheUpstreamAsksWithinItAndTakesNoAnswer()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        upstream.Misbehave = async (context, message) =>
        {
            if (message?["method"] is not null) return false;
            await ScriptedUpstream.RefuseAsync(context, 404, "Session not found");
            return true;
        };
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");

        var reply = await gateway.ModernCallAsync("/mcp", "up__ask");

        reply.Text.ShouldBe("asked", reply.ToString());
        upstream.Runs("ask").ShouldBe(1);
        var answer = upstream.Arrivals.Single(arrival => arrival.Method == "(answer)").Body!;
        answer["error"]!["code"]!.GetValue<int>().ShouldBe(-32601);
    }

    [Fact]
    public async Task Call_ToAModernUpstream_CarriesItsEnvelopeAndMirroredHeaders()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Modern);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        var session = await gateway.InitializeAsync();

        (await gateway.CallAsync(session, "/mcp", "up__echo", """{"text":"x"}""")).Text.ShouldBe("x");

        var call = upstream.Arrivals.Single(arrival => arrival.Method == "tools/call");
        call.Headers["Mcp-Method"].ToString().ShouldBe("tools/call");
        call.Headers["Mcp-Name"].ToString().ShouldBe("echo");
        call.Headers["MCP-Protocol-Version"].ToString().ShouldBe("2026-07-28");
        call.Body!["params"]!["_meta"]!["io.modelcontextprotocol/protocolVersion"]!.GetValue<string>().ShouldBe("2026-07-28");
        call.Session.ShouldBeNull();
        (await gateway.ReportAsync("up"))["era"]!.GetValue<string>().ShouldBe("modern");
        JsonNode.Parse(call.Body["params"]!["arguments"]!.ToJsonString())!["text"]!.GetValue<string>().ShouldBe("x");
    }
}
