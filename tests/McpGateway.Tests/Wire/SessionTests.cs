namespace McpGateway.Tests.Wire;

public sealed class SessionTests
{
    [Fact]
    public async Task Clients_NeverSeeEachOthersState_AndTheirSessionsEndWithThem()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        var (one, two) = (await gateway.InitializeAsync(), await gateway.InitializeAsync());

        await gateway.CallAsync(one, "/mcp", "up__remember", """{"value":"one's"}""");
        (await gateway.CallAsync(two, "/mcp", "up__recall")).Text.ShouldBe("");
        await gateway.CallAsync(two, "/mcp", "up__remember", """{"value":"two's"}""");
        (await gateway.CallAsync(one, "/mcp", "up__recall")).Text.ShouldBe("one's");
        await gateway.ModernCallAsync("/mcp", "up__remember", """{"value":"affine"}""", affinity: "run/agent");
        (await gateway.ModernCallAsync("/mcp", "up__recall", affinity: "run/agent")).Text.ShouldBe("affine");
        (await gateway.ModernCallAsync("/mcp", "up__recall", affinity: "other")).Text.ShouldBe("");
        var held = upstream.Arrivals.First(arrival => arrival.Method == "tools/call").Session;

        using var delete = new HttpRequestMessage(HttpMethod.Delete, "/mcp");
        delete.Headers.Add("Mcp-Session-Id", one);
        (await gateway.Client.SendAsync(delete, TestContext.Current.CancellationToken)).StatusCode.ShouldBe(System.Net.HttpStatusCode.NoContent);
        await Eventually.HoldsAsync(() => upstream.Arrivals.Any(arrival => arrival.Method == "DELETE" && arrival.Session == held));
        (await gateway.CallAsync(one, "/mcp", "up__recall")).Status.ShouldBe(404);
        (await gateway.CallAsync(two, "/mcp", "up__recall")).Text.ShouldBe("two's");
    }

    [Fact]
    public async Task Reload_AddsChangesAndRemoves_WithoutDroppingACallUnderWay()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url), GatewayProcess.Entry("gone", upstream.Url));
        await gateway.ReadyAsync("up");
        var slow = gateway.ModernCallAsync("/mcp", "up__slow");
        await Eventually.HoldsAsync(() => upstream.Runs("slow") == 1);

        gateway.WriteFile("""{ "mcpServers": { "up": { "url": "nonsense" } } }""");
        await gateway.Service.WaitForLineAsync("cannot be used; the upstreams stay as they were");
        string.Join('\n', gateway.Service.Output).ShouldContain("up: \"url\" must be an absolute http or https address");
        (await gateway.ModernCallAsync("/mcp", "up__echo", """{"text":"still"}""")).Text.ShouldBe("still");

        gateway.Rewrite(GatewayProcess.Entry("up", upstream.Url, """, "pool": { "minIdle": 2 }"""), GatewayProcess.Entry("added", upstream.Url));
        await gateway.ReadyAsync("added");
        await gateway.ReadyAsync("up", report => report["pool"]!["idle"]!.GetValue<int>() == 2);
        (await gateway.ModernCallAsync("/mcp", "gone__echo")).ErrorCode.ShouldBe(-32602);
        (await gateway.ModernCallAsync("/mcp", "up__echo", """{"text":"new"}""")).Text.ShouldBe("new");

        slow.IsCompleted.ShouldBeFalse();
        upstream.Release.SetResult();
        (await slow).Text.ShouldBe("slow");
    }

    [Fact]
    public async Task Stop_LetsACallFinish_RefusesNewOnes_AndEndsItsSessions()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(
            new TemporaryDirectory(), ownsDirectory: true, new Dictionary<string, string?> { ["Gateway__ParkTimeout"] = "00:00:00" }, GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        var session = await gateway.InitializeAsync();
        var slow = gateway.CallAsync(session, "/mcp", "up__slow");
        await Eventually.HoldsAsync(() => upstream.Runs("slow") == 1);

        gateway.Service.Terminate();
        await gateway.Service.WaitForLineAsync("Draining: 1 calls under way");
        var refused = await gateway.CallAsync(session, "/mcp", "up__echo");
        refused.Status.ShouldBe(503);
        refused.Response.Headers.RetryAfter.ShouldNotBeNull();
        upstream.Release.SetResult();

        (await slow).Text.ShouldBe("slow");
        (await gateway.Service.WaitForExitAsync()).ShouldBe(0);
        var opened = upstream.Arrivals.Where(arrival => arrival.Session is not null).Select(arrival => arrival.Session).Distinct().Count();
        upstream.Count("DELETE").ShouldBe(opened);
    }

    [Fact]
    public async Task Stop_AwaitsTheCallsOfARemovedUpstream_AndEndsItsSessions()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        var slow = gateway.ModernCallAsync("/mcp/up", "slow");
        await Eventually.HoldsAsync(() => upstream.Runs("slow") == 1);
        gateway.WriteFile("""{ "mcpServers": {} }""");
        await Eventually.SeesAsync(async () => (await gateway.ModernCallAsync("/mcp/up", "echo")).Status, status => status == 404);

        gateway.Service.Terminate();
        await gateway.Service.WaitForLineAsync("Draining: 1 calls under way");
        upstream.Release.SetResult();

        (await slow).Text.ShouldBe("slow");
        (await gateway.Service.WaitForExitAsync()).ShouldBe(0);
        upstream.OpenSessions.ShouldBe(0);
    }

    [Fact]
    public async Task Stop_TellsWhatStillRunsAtTheDeadline_ThatItsOutcomeIsUnknown()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await StartImpatientAsync(upstream);
        var session = await gateway.InitializeAsync("/mcp/up");
        var calls = new[] { gateway.ModernCallAsync("/mcp/up", "slow"), gateway.CallAsync(session, "/mcp/up", "slow") };
        await Eventually.HoldsAsync(() => upstream.Runs("slow") == 2);

        gateway.Service.Terminate();

        foreach (var reply in await Task.WhenAll(calls))
        {
            reply.ErrorCode.ShouldBe(-32051, reply.ToString());
            reply.ErrorText!.ShouldContain("Gateway:DrainTimeout");
        }

        (await gateway.Service.WaitForExitAsync(TimeSpan.FromSeconds(15))).ShouldBe(0);
        upstream.Count("notifications/cancelled").ShouldBe(2);
    }

    [Fact]
    public async Task Reload_TellsWhatStillRunsAtTheDeadline_ThatItsOutcomeIsUnknown()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await StartImpatientAsync(upstream);
        var slow = gateway.ModernCallAsync("/mcp/up", "slow");
        await Eventually.HoldsAsync(() => upstream.Runs("slow") == 1);

        gateway.Rewrite(GatewayProcess.Entry("up", upstream.Url, """, "pool": { "minIdle": 2 }"""));

        (await slow).ErrorCode.ShouldBe(-32051);
        upstream.Count("notifications/cancelled").ShouldBe(1);
        (await gateway.ModernCallAsync("/mcp/up", "echo", """{"text":"new"}""")).Text.ShouldBe("new");
    }

    private static async Task<GatewayProcess> StartImpatientAsync(ScriptedUpstream upstream)
    {
        var gateway = await GatewayProcess.StartAsync(
            new TemporaryDirectory(), ownsDirectory: true, new Dictionary<string, string?> { ["Gateway__DrainTimeout"] = "00:00:01" }, GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        return gateway;
    }

    [Fact]
    public async Task Stop_LeavesNoSession_WhenACallIsCancelledWhileDraining()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        var session = await gateway.InitializeAsync();
        var slow = gateway.CallAsync(session, "/mcp", "up__slow", id: 3);
        await Eventually.HoldsAsync(() => upstream.Runs("slow") == 1);
        gateway.Service.Terminate();
        await gateway.Service.WaitForLineAsync("Draining");

        (await gateway.PostAsync("/mcp", """{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":3}}""", ("Mcp-Session-Id", session))).Status.ShouldBe(202);

        (await slow).Messages.ShouldBeEmpty();
        (await gateway.Service.WaitForExitAsync(TimeSpan.FromSeconds(15))).ShouldBe(0);
    }
}
