using FaultyUpstream.Control;
using McpGateway.Tests.Wire;
using static FaultyUpstream.Faults.FaultKind;

namespace McpGateway.Classifier.Tests;

/// <summary>What upstreams refuse while a session is being opened.</summary>
public sealed class OpeningTests
{
    private static readonly string[] s_lists = ["tools/list"];

    [Theory]
    [InlineData("http")]
    [InlineData("sse")]
    public async Task Upstream_ThatAllowsOneSession_ServesEverybodyInTurn(string type)
    {
        await using var upstream = await FaultyUpstreamHost.StartAsync(new FaultyUpstreamOptions { Faults = [new Fault { Kind = OneSession }] });
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("one", $"{(type == "sse" ? upstream.Sse : upstream.Mcp)}", $", \"type\": \"{type}\""));
        await gateway.ReadyAsync("one");

        var calls = Enumerable.Range(0, 6).Select(i => gateway.ModernCallAsync("/mcp", "one__execute_once", $"{{\"call_id\":\"{i}\"}}", affinity: $"{i % 2}"));
        var replies = await Task.WhenAll(calls);

        replies.ShouldAllBe(reply => reply.Text != null, string.Join('\n', replies.Select(reply => reply.ToString())));
        var counters = upstream.Control.Read().Counters;
        counters.Executions.Values.ShouldAllBe(runs => runs == 1);
        counters.Requests["initialize"].ShouldBeLessThan(20);
        (await gateway.ReportAsync("one"))["timeline"]!.ToJsonString().ShouldContain("limit found");
    }

    [Fact]
    public async Task Process_ThatSaysItIsInitializedAlready_IsSaidToBeUnavailable_AndAskedSeldom()
    {
        using var record = new TemporaryDirectory();
        await using var gateway = await GatewayProcess.StartAsync(
            $"\"one\": {{ \"command\": \"dotnet\", \"args\": [\"{RepositoryRoot.AssemblyOf("tests/FaultyUpstream")}\", \"--stdio\", \"--record\", \"{record.FullPath}\", \"--fault\", \"{{\\\"kind\\\":\\\"already_initialized\\\"}}\"] }}");
        await Eventually.SeesAsync(() => gateway.ReportAsync("one"), report => report["state"]!.GetValue<string>() == "down");

        var reply = await gateway.ModernCallAsync("/mcp", "one__execute_once", """{"call_id":"a"}""");

        reply.ErrorCode.ShouldBe(-32050, reply.ToString());
        reply.ErrorText!.ShouldContain("already initialized");
        var left = new UpstreamRecord(record.FullPath);
        left.Arrivals.ShouldBeEmpty();
        Directory.GetFiles(record.FullPath, "*.calls").Length.ShouldBeInRange(1, 12);
        await Eventually.SeesAsync(() => left.Controls, living => living.Count <= 1, condition: "no process is left but the one that is asked now");
    }

    [Fact]
    public async Task Opener_WaitsAsAsked_WhenItIsThrottledBetweenInitializeAndTheList()
    {
        await using var upstream = await FaultyUpstreamHost.StartAsync(new FaultyUpstreamOptions { Faults = [new Fault { Kind = RateLimited, RetryAfterS = 2, Times = 1, Methods = s_lists }] });
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", $"{upstream.Mcp}", ", \"type\": \"http\""));
        var throttled = await Eventually.SeesAsync(() => gateway.ReportAsync("up"), report => report["state"]!.GetValue<string>() == "down");
        throttled["summary"]!.GetValue<string>().ShouldContain("slow down");
        var attempts = upstream.Control.Read().Counters.Requests["initialize"];

        await gateway.ReadyAsync("up");

        var report = upstream.Control.Read();
        report.Counters.Requests["initialize"].ShouldBe(attempts + 1);
        report.SessionCounts.Open.ShouldBe(1, "the half-opened session was given back");
        var wait = await gateway.ReportAsync("up");
        TimeSpan Between(string later, string earlier) => At(wait, later) - At(wait, earlier);
        Between("session opened", "open failed").ShouldBeGreaterThan(TimeSpan.FromSeconds(1.9));
    }

    private static DateTimeOffset At(System.Text.Json.Nodes.JsonNode report, string what) =>
        report["timeline"]!.AsArray().First(happened => happened!["what"]!.GetValue<string>() == what)!["at"]!.GetValue<DateTimeOffset>();
}
