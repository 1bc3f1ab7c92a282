using System.Net;
using System.Text.Json.Nodes;

namespace McpGateway.Tests.Wire;

/// <summary>An upstream that an operator takes out of use, whatever state it is in.</summary>
public sealed class DrainTests
{
    [Fact]
    public async Task Drain_HoldsBeforeTheFirstHandshake_AndAWarmHintOfThatTimeIsKept()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        var open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        upstream.Misbehave = async (_, message) =>
        {
            if (message?["method"]?.GetValue<string>() == "initialize") await open.Task;
            return false;
        };
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url, ", \"pool\": { \"mode\": \"exclusive\" }"));
        await Eventually.HoldsAsync(() => upstream.Count("initialize") == 1);

        await ActAsync(gateway, "drain");
        await ShouldRefuseAsync(gateway);
        open.SetResult();
        await Eventually.HoldsAsync(() => upstream.Count("DELETE") == 1);
        await ShouldRefuseAsync(gateway);
        upstream.Count("initialize").ShouldBe(1);

        await ActAsync(gateway, "warm?count=3");
        await gateway.ReadyAsync("up", report => report["pool"]!["idle"]!.GetValue<int>() == 3);
        (await gateway.ModernCallAsync("/mcp/up", "echo", """{"text":"back"}""")).Text.ShouldBe("back");
    }

    [Theory]
    [InlineData(Speech.Sessions)]
    [InlineData(Speech.Stateless)]
    [InlineData(Speech.Modern)]
    public async Task Drain_RefusesWithTheSameSentence_WhateverKindOfSessionsThereAre_AndLetsACallFinish(object speech)
    {
        await using var upstream = await ScriptedUpstream.StartAsync((Speech)speech);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        var slow = gateway.ModernCallAsync("/mcp/up", "slow");
        await Eventually.HoldsAsync(() => upstream.Runs("slow") == 1);

        await ActAsync(gateway, "drain");
        await ShouldRefuseAsync(gateway);
        slow.IsCompleted.ShouldBeFalse();
        upstream.Release.SetResult();
        (await slow).Text.ShouldBe("slow");

        await Eventually.SeesAsync(() => gateway.ReportAsync("up"), report => report["pool"]!["total"]!.GetValue<int>() == 0);
        await ShouldRefuseAsync(gateway);
        await ActAsync(gateway, "warm");
        (await gateway.ModernCallAsync("/mcp/up", "echo", """{"text":"back"}""")).Text.ShouldBe("back");
    }

    [Fact]
    public async Task Drain_Holds_WhenTheUpstreamComesBackAsAnotherKindOfServer()
    {
        var before = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", before.Url));
        await gateway.ReadyAsync("up");
        await ActAsync(gateway, "drain");
        var port = before.BaseAddress.Port;
        await before.DisposeAsync();
        await using var after = await ScriptedUpstream.StartAsync(Speech.Modern, port);

        await ShouldRefuseAsync(gateway);
        after.Arrivals.ShouldNotContain(arrival => arrival.Method == "initialize" || arrival.Method == "server/discover");

        await ActAsync(gateway, "warm");
        await Eventually.SeesAsync(() => gateway.ModernCallAsync("/mcp/up", "echo", """{"text":"back"}"""), reply => reply.Text == "back");
        await ActAsync(gateway, "drain");
        await ShouldRefuseAsync(gateway);
    }

    [Fact]
    public async Task Drain_NamesNoNextAttempt_WhenTheUpstreamHadFailed()
    {
        await using var gateway = await GatewayProcess.StartAsync("\"up\": { \"command\": \"no-such-program-here\" }");
        await Eventually.SeesAsync(() => gateway.ReportAsync("up"), report => report["next_attempt_at"] is not null);

        await ActAsync(gateway, "drain");

        var report = await gateway.ReportAsync("up");
        report["state"]!.GetValue<string>().ShouldBe("drained");
        report["next_attempt_at"].ShouldBeNull();
        report["last_failure"].ShouldNotBeNull();
    }

    [Fact]
    public async Task WarmHint_IsKept_WhenItComesBeforeTheFirstHandshake()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        var open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        upstream.Misbehave = async (_, message) =>
        {
            if (message?["method"]?.GetValue<string>() == "initialize") await open.Task;
            return false;
        };
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await Eventually.HoldsAsync(() => upstream.Count("initialize") == 1);

        await ActAsync(gateway, "warm?count=3");
        open.SetResult();

        await gateway.ReadyAsync("up", report => report["pool"]!["idle"]!.GetValue<int>() == 3);
    }

    [Fact]
    public async Task CallThatWaitsForASession_EndsWithDidNotRun_WhenItsUpstreamIsRemoved()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await StartImpatientAsync(upstream.Url);
        await gateway.ReadyAsync("up");
        var runs = gateway.ModernCallAsync("/mcp/up", "slow");
        await Eventually.HoldsAsync(() => upstream.Runs("slow") == 1);
        var waits = gateway.ModernCallAsync("/mcp/up", "echo", """{"text":"x"}""");
        await WaitingAsync(gateway);

        gateway.Rewrite();

        ShouldBeGivenUp(await waits);
        (await runs).ErrorCode.ShouldBe(-32051);
        upstream.Runs("echo").ShouldBe(0);
    }

    [Fact]
    public async Task CallThatWaitsForTheFirstSession_EndsWithDidNotRun_WhenTheGatewayStops()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        upstream.Misbehave = async (context, message) =>
        {
            if (message?["method"]?.GetValue<string>() == "initialize") await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
            return false;
        };
        await using var gateway = await StartImpatientAsync(upstream.Url);
        var waits = gateway.ModernCallAsync("/mcp/up", "echo", """{"text":"x"}""");
        await WaitingAsync(gateway);

        gateway.Service.Terminate();

        ShouldBeGivenUp(await waits);
        (await gateway.Service.WaitForExitAsync()).ShouldBe(0);
    }

    private static Task<GatewayProcess> StartImpatientAsync(string url) => GatewayProcess.StartAsync(
        new TemporaryDirectory(),
        ownsDirectory: true,
        new Dictionary<string, string?> { ["Gateway__DrainTimeout"] = "00:00:00.5" },
        GatewayProcess.Entry("up", url, ", \"pool\": { \"mode\": \"exclusive\", \"max\": 1, \"acquireTimeout\": \"5m\", \"openTimeout\": \"5m\" }"));

    private static Task<JsonNode> WaitingAsync(GatewayProcess gateway) =>
        Eventually.SeesAsync(() => gateway.ReportAsync("up"), report => report["pool"]!["waiting"]!.GetValue<int>() == 1);

    private static void ShouldBeGivenUp(Reply reply)
    {
        reply.Status.ShouldBe(503, reply.ToString());
        reply.ErrorCode.ShouldBe(-32050);
        reply.ErrorText!.ShouldContain("had to let go of the call");
        reply.ErrorText!.ShouldContain("The call did not run.");
    }

    private static async Task ShouldRefuseAsync(GatewayProcess gateway)
    {
        var refused = await gateway.ModernCallAsync("/mcp/up", "echo");
        refused.Status.ShouldBe(503);
        refused.ErrorText!.ShouldContain("Upstream 'up' is not available: it was drained by an operator, who takes it back with POST /upstreams/up/warm.");
        refused.Response.Headers.RetryAfter.ShouldNotBeNull();
        var report = await gateway.ReportAsync("up");
        report["state"]!.GetValue<string>().ShouldBe("drained");
        report["summary"]!.GetValue<string>().ShouldContain("/upstreams/up/warm");
    }

    private static async Task ActAsync(GatewayProcess gateway, string action)
    {
        using var response = await gateway.Client.PostAsync(new Uri($"/upstreams/up/{action}", UriKind.Relative), null, TestContext.Current.CancellationToken);
        response.StatusCode.ShouldBe(HttpStatusCode.Accepted);
    }
}
