using System.Text.Json.Nodes;
using McpGateway.Tests.Wire;

namespace McpGateway.Ledger.Tests;

/// <summary>Two gateways in processes of their own, on one Redis, for an upstream with <c>pool.max</c> 1. The upstream itself counts the sessions that are opened beside another.</summary>
public sealed class OnlySessionTests : IAsyncLifetime
{
    private const string Only = """, "pool": { "max": 1 }""";

    private readonly RedisServer _server = new();
    private readonly TemporaryDirectory _directory = new();
    private readonly List<GatewayProcess> _gateways = [];
    private ScriptedUpstream? _upstream;
    private int _beside;

    /// <summary>Short where a gateway is to be taken for dead; else so long that a busy machine does not make it so.</summary>
    private string _ownerTimeout = "00:02:00";

    private ScriptedUpstream Upstream => _upstream!;

    public async ValueTask InitializeAsync()
    {
        await _server.StartAsync();
        _upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        _upstream.Misbehave = (_, message) =>
        {
            if (message?["method"]?.GetValue<string>() == "initialize" && _upstream.OpenSessions > 0) Interlocked.Increment(ref _beside);
            return Task.FromResult(false);
        };
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var gateway in _gateways) await gateway.DisposeAsync();
        if (_upstream is not null) await _upstream.DisposeAsync();
        await _server.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task TwoGateways_HaveOneSession_AndTheOtherSaysWhoHoldsIt()
    {
        var both = await Task.WhenAll(LaunchAsync(), LaunchAsync());
        var holder = await HolderAsync(both);
        var other = both.Single(gateway => gateway != holder);

        var refused = await other.ModernCallAsync("/mcp/up", "echo");

        refused.ErrorText!.ShouldMatch("another gateway \\([0-9a-f-]+\\) holds it");
        refused.ErrorText!.ShouldContain("pool.max is 1");
        refused.Response.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromSeconds(1));
        (await holder.ModernCallAsync("/mcp/up", "echo", """{"text":"hello"}""")).Text.ShouldBe("hello");
        ShouldHaveHadOne();
        Upstream.Count("initialize").ShouldBe(1);
    }

    [Fact]
    public async Task Stop_HandsAnUnusedSessionOver_WithoutAHandshake()
    {
        var (holder, other) = await StartAsync();
        (await holder.Service.StopAsync()).ShouldBe(0);

        await ReadyAsync(other);

        (await other.ModernCallAsync("/mcp/up", "echo", """{"text":"hello"}""")).Text.ShouldBe("hello");
        Upstream.Count("initialize").ShouldBe(1);
        ShouldHaveHadOne();
    }

    [Fact]
    public async Task Stop_EndsACallersOwnSession_BeforeTheOtherOpensOne()
    {
        var (holder, other) = await StartAsync();
        (await holder.ModernCallAsync("/mcp/up", "remember", """{"value":"secret"}""", affinity: "run")).Text.ShouldBe("remembered");
        (await holder.Service.StopAsync()).ShouldBe(0);

        await ReadyAsync(other);

        (await other.ModernCallAsync("/mcp/up", "recall", affinity: "run")).Text.ShouldBe("");
        Upstream.Count("initialize").ShouldBe(2);
        ShouldHaveHadOne();
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 2)]
    public async Task Kill_HandsOver_SinceTheLockTellsThatThePermitsHolderIsDead(bool used, int handshakes)
    {
        var (holder, other) = await StartAsync();
        if (used) (await holder.ModernCallAsync("/mcp/up", "remember", """{"value":"secret"}""", affinity: "run")).Text.ShouldBe("remembered");
        holder.Service.Kill();
        await holder.Service.WaitForExitAsync();

        await ReadyAsync(other);

        (await other.ModernCallAsync("/mcp/up", "recall")).Text.ShouldBe("");
        Upstream.Count("initialize").ShouldBe(handshakes);
        ShouldHaveHadOne();
    }

    [Fact]
    public async Task Pause_HandsOver_AndTheOldHolderLeavesTheSessionAlone()
    {
        _ownerTimeout = "00:00:02";
        var (holder, other) = await StartAsync();
        holder.Service.Pause();
        await ReadyAsync(other);

        holder.Service.Resume();
        await Eventually.SeesAsync(() => holder.ModernCallAsync("/mcp/up", "echo"), reply => reply.ErrorText?.Contains("another gateway (", StringComparison.Ordinal) == true);

        (await other.ModernCallAsync("/mcp/up", "echo", """{"text":"hello"}""")).Text.ShouldBe("hello");
        Upstream.Count("DELETE").ShouldBe(0);
        Upstream.Count("initialize").ShouldBe(1);
        ShouldHaveHadOne();
    }

    [Fact]
    public async Task StoreLost_EndsTheSession_AndOneGatewayOpensAgainWhenItIsBack()
    {
        _ownerTimeout = "00:00:02";
        var (holder, other) = await StartAsync();
        await _server.Process.StopAsync();

        await Eventually.SeesAsync(() => Upstream.OpenSessions, open => open == 0);

        foreach (var gateway in new[] { holder, other })
        {
            await Eventually.SeesAsync(() => gateway.ModernCallAsync("/mcp/up", "echo"), reply => reply.ErrorText?.Contains("cannot be found out: Redis does not answer", StringComparison.Ordinal) == true);
        }

        (await TimelineAsync(holder)).ShouldContain("session closed: it could not be made sure that no other gateway has the only session");
        await _server.Process.RunAsync();
        var next = await HolderAsync(holder, other);
        (await next.ModernCallAsync("/mcp/up", "echo", """{"text":"hello"}""")).Text.ShouldBe("hello");
        ShouldHaveHadOne();
    }

    [Fact]
    public async Task Changed_EndsTheOldSession_BeforeItOpensTheNew()
    {
        var gateway = await LaunchAsync();
        await ReadyAsync(gateway);

        gateway.Rewrite(GatewayProcess.Entry("up", Upstream.Url, $$"""{{Only}}, "headers": { "X-New": "1" }"""));

        await Eventually.SeesAsync(() => Upstream.Count("initialize"), count => count == 2);
        await ReadyAsync(gateway);
        ShouldHaveHadOne();
    }

    [Fact]
    public async Task UpstreamWithoutSessions_ServesEveryGateway_SinceThereIsNoneToHave()
    {
        await Upstream.DisposeAsync();
        _upstream = await ScriptedUpstream.StartAsync(Speech.Stateless);

        foreach (var gateway in await Task.WhenAll(LaunchAsync(), LaunchAsync()))
        {
            await ReadyAsync(gateway);
            (await gateway.ModernCallAsync("/mcp/up", "echo", """{"text":"hello"}""")).Text.ShouldBe("hello");
        }
    }

    private void ShouldHaveHadOne()
    {
        Volatile.Read(ref _beside).ShouldBe(0);
        Upstream.OpenSessions.ShouldBe(1);
    }

    /// <summary>One that holds the session, and one that was refused it.</summary>
    private async Task<(GatewayProcess Holder, GatewayProcess Other)> StartAsync()
    {
        var holder = await LaunchAsync();
        await ReadyAsync(holder);
        var other = await LaunchAsync();
        await Eventually.SeesAsync(() => TimelineAsync(other), text => text.Contains("open failed", StringComparison.Ordinal));
        return (holder, other);
    }

    private async Task<GatewayProcess> LaunchAsync()
    {
        var settings = new Dictionary<string, string?> { ["ConnectionStrings__cache"] = _server.Process.ConnectionString, ["Gateway__OwnerTimeout"] = _ownerTimeout, ["Gateway__ParkTimeout"] = "00:00:30" };
        var gateway = await GatewayProcess.StartAsync(_directory, ownsDirectory: false, settings, GatewayProcess.Entry("up", Upstream.Url, Only));
        lock (_gateways) _gateways.Add(gateway);
        return gateway;
    }

    private static Task<JsonNode> ReadyAsync(GatewayProcess gateway) => gateway.ReadyAsync("up");

    private static async Task<GatewayProcess> HolderAsync(params GatewayProcess[] gateways)
    {
        var reports = await Eventually.SeesAsync(
            () => Task.WhenAll(gateways.Select(gateway => gateway.ReportAsync("up"))),
            reports => reports.Count(report => report["pool"]!["idle"]!.GetValue<int>() == 1) == 1);
        return gateways[Array.FindIndex(reports, report => report["pool"]!["idle"]!.GetValue<int>() == 1)];
    }

    private static async Task<string> TimelineAsync(GatewayProcess gateway) =>
        string.Join('\n', (await gateway.ReportAsync("up"))["timeline"]!.AsArray().Select(item => $"{item!["what"]}: {item["reason"]}"));
}
