using McpGateway.Tests.Wire;

namespace McpGateway.Ledger.Tests;

/// <summary>A session that belongs to an affinity outlives its gateway, for its own caller alone.</summary>
public abstract partial class ResumeTests
{
    [Fact]
    public async Task Restart_GivesAPinnedSessionBack_ToItsAffinityAlone()
    {
        var before = await StartAsync();
        (await RememberAsync(before, "run/one", "secret")).ShouldBe("remembered");
        (await RememberAsync(before, "run/two", "other")).ShouldBe("remembered");
        await ReadyAsync(before);
        (await before.Service.StopAsync()).ShouldBe(0);
        var (opened, own) = (Opened, SessionOf("remember", "secret"));
        Upstream.OpenSessions.ShouldBe(opened);

        var after = await StartAsync();
        var texts = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => RecallAsync(after, "run/one")));

        texts.ShouldAllBe(text => text == "secret");
        Opened.ShouldBe(opened);
        // Verified once, before its caller got it.
        Upstream.Arrivals.Count(arrival => arrival.Method == "ping" && arrival.Session == own).ShouldBe(1);
        (await RecallAsync(after, "run/three")).ShouldBe("");
        (await after.ModernCallAsync("/mcp/up", "recall")).Text.ShouldBe("");
        (await RecallAsync(after, "run/two")).ShouldBe("other");
        Upstream.Arrivals.Count(arrival => arrival.Method == "tools/call" && arrival.Session == own).ShouldBe(9);
        (await EventsAsync(after)).ShouldContain("session resumed: parked by a gateway that stopped");
        IdsOfSessions().ShouldAllBe(ids => ids.Distinct().Count() == ids.Count);
    }

    [Fact]
    public async Task RunningGateway_AdoptsAPinnedSession_OnceItHasSeenThatTheOtherLeftIt()
    {
        var first = await StartAsync();
        var second = await StartAsync();
        (await RememberAsync(first, "run/one", "secret")).ShouldBe("remembered");
        await ReadyAsync(first);
        (await first.Service.StopAsync()).ShouldBe(0);
        await second.Service.WaitForLineAsync("Sessions that wait in the ledger for the callers they belong to: 1");

        (await RecallAsync(second, "run/one")).ShouldBe("secret");

        // It can be left and gone on with again.
        (await second.Service.StopAsync()).ShouldBe(0);
        var third = await StartAsync();
        (await RecallAsync(third, "run/one")).ShouldBe("secret");
    }

    [Fact]
    public async Task Stop_LeavesOnePlaceFree_AndParksThePinnedSessionsUsedLast()
    {
        const string Two = """, "pool": { "max": 2, "minIdle": 1 }""";
        var before = await StartAsync(Two);
        (await RememberAsync(before, "run/one", "first")).ShouldBe("remembered");
        await ReadyAsync(before);
        (await RememberAsync(before, "run/two", "second")).ShouldBe("remembered");
        (await before.Service.StopAsync()).ShouldBe(0);
        Upstream.OpenSessions.ShouldBe(1);

        var after = await StartAsync(Two);

        (await RecallAsync(after, "run/two")).ShouldBe("second");
        (await RecallAsync(after, "run/one")).ShouldBe("");
        Upstream.OpenSessions.ShouldBeLessThanOrEqualTo(2);
    }

    [Fact]
    public async Task Restart_OpensAnew_WhenTheUpstreamForgotAPinnedSession()
    {
        var before = await StartAsync();
        (await RememberAsync(before, "run/one", "secret")).ShouldBe("remembered");
        await ReadyAsync(before);
        (await before.Service.StopAsync()).ShouldBe(0);
        Upstream.DropSessions();

        var after = await StartAsync();

        (await RecallAsync(after, "run/one")).ShouldBe("");
        (await EventsAsync(after)).ShouldContain("session not resumed");
    }

    [Fact]
    public async Task PinnedSession_WaitsOn_WhenTheUpstreamIsAwayAsItsCallerComes()
    {
        var before = await StartAsync();
        (await RememberAsync(before, "run/one", "secret")).ShouldBe("remembered");
        await ReadyAsync(before);
        (await before.Service.StopAsync()).ShouldBe(0);
        var after = await StartAsync();
        Upstream.Misbehave = async (context, message) =>
        {
            if (message?["method"]?.GetValue<string>() != "ping") return false;
            context.Response.StatusCode = 503;
            await context.Response.CompleteAsync();
            return true;
        };

        var reply = await after.ModernCallAsync("/mcp/up", "recall", affinity: "run/one");
        Upstream.Misbehave = null;

        reply.ErrorCode.ShouldBe(-32050, reply.ToString());
        await Eventually.SeesAsync(() => RecallAsync(after, "run/one"), text => text == "secret");
    }

    [Fact]
    public async Task PinnedSession_IsEnded_WhenItsCallerDoesNotComeInTime()
    {
        Settings["Gateway__ParkTimeout"] = "00:00:01";
        var before = await StartAsync();
        (await RememberAsync(before, "run/one", "secret")).ShouldBe("remembered");
        await ReadyAsync(before);
        (await before.Service.StopAsync()).ShouldBe(0);
        var own = SessionOf("remember", "secret");

        await StartAsync();

        await Eventually.SeesAsync(() => Upstream.Arrivals, all => all.Any(arrival => arrival.Method == "DELETE" && arrival.Session == own));
    }

    [Fact]
    public async Task Kill_EndsAPinnedSession_SinceACallMayHaveBeenUnderWay()
    {
        var before = await StartAsync();
        (await RememberAsync(before, "run/one", "secret")).ShouldBe("remembered");
        await ReadyAsync(before);
        var own = SessionOf("remember", "secret");
        before.Service.Kill();
        await before.Service.WaitForExitAsync();

        var after = await StartAsync();

        (await RecallAsync(after, "run/one")).ShouldBe("");
        await Eventually.SeesAsync(() => Upstream.Arrivals, all => all.Any(arrival => arrival.Method == "DELETE" && arrival.Session == own));
        (await RecallAsync(after, "run/one")).ShouldBe("");
    }

    private static async Task<string?> RememberAsync(GatewayProcess gateway, string affinity, string value) =>
        (await gateway.ModernCallAsync("/mcp/up", "remember", $$"""{"value":"{{value}}"}""", affinity: affinity)).Text;

    /// <summary>What the affinity's session remembers; null when the call failed.</summary>
    private static async Task<string?> RecallAsync(GatewayProcess gateway, string affinity) => (await gateway.ModernCallAsync("/mcp/up", "recall", affinity: affinity)).Text;

    private string SessionOf(string tool, string value) => Upstream.Arrivals.Single(arrival => arrival.Method == "tools/call"
        && arrival.Body!["params"]!["name"]!.GetValue<string>() == tool && arrival.Body["params"]!["arguments"]!["value"]!.GetValue<string>() == value).Session!;
}
