using System.Text.Json.Nodes;
using FaultyUpstream;
using FaultyUpstream.Control;
using FaultyUpstream.Faults;
using McpGateway.Tests.Streams;
using McpGateway.Tests.Wire;

namespace McpGateway.Bridge.Tests;

/// <summary>Lists that change outside of any call of the client's, on upstreams of each era and transport.</summary>
public sealed class WatcherTests
{
    private const string Project = "tests/ConformanceUpstream";

    /// <summary>The upstream lists what it did before: that it said so is reason enough.</summary>
    [Theory]
    [InlineData("2025-11-25", "http")]
    [InlineData("2025-11-25", "sse")]
    [InlineData("2025-11-25", "stdio")]
    [InlineData("2026-07-28", "http")]
    [InlineData("2026-07-28", "stdio")]
    public async Task ChangedList_IsToldToWhoeverSubscribed(string era, string transport)
    {
        await using var upstream = await ServiceProcess.StartAsync(Project, ["--era", era]);
        await using var gateway = await GatewayProcess.StartAsync(Entry(upstream, era, transport));
        await HeardAsync(gateway, 1);
        await using var subscription = await SubscribeAsync(gateway);

        // Twice: the first may be that of the lists having been read at all.
        for (var round = 0; round < 2; round++)
        {
            await TriggerAsync(gateway, "test_trigger_tool_change");
            await ToldAsync(subscription, "notifications/tools/list_changed");
            await TriggerAsync(gateway, "test_trigger_prompt_change");
            await ToldAsync(subscription, "notifications/prompts/list_changed");
        }
    }

    /// <summary>To listen takes no place in the pool and keeps nobody waiting: the one session there may be is called on too.</summary>
    [Fact]
    public async Task ChangedList_IsTold_WhereOneSessionIsAllThereMayBe()
    {
        await using var upstream = await ServiceProcess.StartAsync(Project, ["--era", "2025-11-25"]);
        await using var gateway = await GatewayProcess.StartAsync(Entry(upstream, "2025-11-25", "http", """, "pool": { "max": 1, "mode": "exclusive" }"""));
        await HeardAsync(gateway, 1);
        await using var subscription = await SubscribeAsync(gateway);

        for (var round = 0; round < 2; round++)
        {
            await TriggerAsync(gateway, "test_trigger_tool_change");
            await ToldAsync(subscription, "notifications/tools/list_changed");
        }

        Happened(await gateway.ReportAsync("up"), "session opened").ShouldBe(1);
    }

    /// <summary>The one session there may be is called on all the while, and no other could be opened.</summary>
    [Fact]
    public async Task ChangedList_IsReadAgain_WhileEverySessionIsInUse()
    {
        await using var upstream = await FaultyUpstreamHost.StartAsync();
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", $"{upstream.Mcp}", ", \"type\": \"http\", \"pool\": { \"max\": 1 }"));
        await HeardAsync(gateway, 1);
        var calling = gateway.ModernCallAsync("/mcp/up", "slow");
        await Eventually.HoldsAsync(() => upstream.Control.Read().Counters.CallsRunning == 1);

        await upstream.Control.ChangeListAsync(new ListChange { Tool = "added" });

        await Eventually.SeesAsync(() => gateway.ModernRequestAsync("/mcp/up", "tools/list"), listed => listed.Last["result"]!["tools"]!.AsArray().Any(tool => tool!["name"]!.GetValue<string>() == "added"));
        calling.IsCompleted.ShouldBeFalse();
        upstream.Control.Release();
        (await calling).Status.ShouldBe(200);
        upstream.Control.Read().SessionCounts.Opened.ShouldBe(1);
    }

    /// <summary>The session that says no to listening is as good as before, and is not asked again.</summary>
    [Fact]
    public async Task Upstream_WithoutAStream_IsCalledAsBefore()
    {
        await using var upstream = await FaultyUpstreamHost.StartAsync();
        upstream.Control.Set(new Fault { Kind = FaultKind.BareNotFound, Methods = ["GET"] });
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", $"{upstream.Mcp}", ", \"type\": \"http\", \"pool\": { \"max\": 1 }"));
        await Eventually.SeesAsync(() => gateway.ReportAsync("up"), report => Happened(report, "changes not told") == 1);

        for (var call = 0; call < 3; call++) (await gateway.ModernCallAsync("/mcp/up", "echo", """{"text":"on"}""")).Text.ShouldBe("on");

        upstream.Control.Read().SessionCounts.Opened.ShouldBe(1);
        upstream.Control.Read().Counters.Requests["GET"].ShouldBe(1);
    }

    /// <summary>A session of before, which is listened to first, must not be taken for an upstream that cannot tell.</summary>
    [Fact]
    public async Task ChangedList_IsHeardOnAnotherSession_WhenTheUpstreamForgetsAll()
    {
        await using var upstream = await FaultyUpstreamHost.StartAsync();
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", $"{upstream.Mcp}", ", \"type\": \"http\", \"pool\": { \"minIdle\": 3, \"max\": 3 }"));
        await gateway.ReadyAsync("up", report => report["pool"]!["idle"]!.GetValue<int>() == 3);
        await HeardAsync(gateway, 1);

        upstream.Control.Drop();

        await Eventually.HoldsAsync(() => upstream.Control.Read().Sessions.Any(session => session.Listening));
        Happened(await gateway.ReportAsync("up"), "changes not told").ShouldBe(0);
    }

    [Theory]
    [InlineData("2025-11-25")]
    [InlineData("2026-07-28")]
    public async Task ChangedList_IsToldAgain_AfterTheUpstreamWasStartedAnew(string era)
    {
        var before = await ServiceProcess.StartAsync(Project, ["--era", era]);
        await using var gateway = await GatewayProcess.StartAsync(Entry(before, era, "http"));
        await HeardAsync(gateway, 1);
        await using var subscription = await SubscribeAsync(gateway);

        var address = before.BaseAddress;
        await before.DisposeAsync();
        await using var after = await ServiceProcess.StartAsync(Project, ["--era", era, "--urls", address.ToString()]);
        // Twice, as above; until the upstream is heard again nobody hears of a change. That it says so again and again keeps nobody from hearing it.
        for (var round = 0; round < 2; round++)
        {
            var told = ToldAsync(subscription, "notifications/prompts/list_changed");
            await Eventually.SeesAsync(async () => await new NewClient(gateway.Client, "/mcp/up", []).CallAsync("test_trigger_prompt_change"), (Outcome _) => told.IsCompleted);
            await told;
        }
    }

    private static string Entry(ServiceProcess upstream, string era, string transport, string more = "") => transport == "stdio"
        ? $"\"up\": {{ \"command\": \"dotnet\", \"args\": [\"{RepositoryRoot.AssemblyOf(Project)}\", \"--stdio\", \"--era\", \"{era}\"], \"pool\": {{ \"max\": 1, \"mode\": \"exclusive\" }} }}"
        : GatewayProcess.Entry("up", new Uri(upstream.BaseAddress, transport == "sse" ? "/sse" : "/mcp").ToString(), $", \"type\": \"{transport}\"{more}");

    private static Task<JsonNode> HeardAsync(GatewayProcess gateway, int times) => Eventually.SeesAsync(() => gateway.ReportAsync("up"),
        report => Happened(report, "changes heard") >= times);

    private static int Happened(JsonNode report, string what) => report["timeline"]!.AsArray().Count(happened => happened!["what"]!.GetValue<string>() == what);

    private static async Task<EventReader> SubscribeAsync(GatewayProcess gateway)
    {
        var request = $"{{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"subscriptions/listen\",\"params\":{{\"notifications\":{{\"toolsListChanged\":true,\"promptsListChanged\":true}},\"_meta\":{{{GatewayProcess.Envelope}}}}}}}";
        var subscription = await EventReader.PostAsync(gateway, "/mcp/up", request, [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "subscriptions/listen")]);
        (await subscription.NextMessageAsync()).Message["params"]!["notifications"]!.ToJsonString().ShouldBe("""{"toolsListChanged":true,"promptsListChanged":true}""");
        return subscription;
    }

    private static async Task ToldAsync(EventReader subscription, string method)
    {
        while ((await subscription.NextMessageAsync()).Method != method)
        {
            // Of another list.
        }
    }

    private static async Task TriggerAsync(GatewayProcess gateway, string tool)
    {
        var outcome = await new NewClient(gateway.Client, "/mcp/up", []).CallAsync(tool);
        outcome.Result.ShouldNotBeNull(outcome.ToString());
    }
}
