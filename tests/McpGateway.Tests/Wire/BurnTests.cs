namespace McpGateway.Tests.Wire;

/// <summary>What a caller may leave behind on a session that the next caller would get.</summary>
public sealed class BurnTests
{
    [Theory]
    [InlineData("resources/subscribe", "subscribed")]
    [InlineData("resources/unsubscribe", "subscribed")]
    [InlineData("logging/setLevel", "log level")]
    [InlineData("tasks/get", "a task")]
    public async Task Session_IsNotReused_AfterACallThatLeavesSomethingOnIt(string method, string reason)
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await StartAsync(upstream);

        var used = await SendAsync(gateway, upstream, method);

        await Eventually.HoldsAsync(() => upstream.Arrivals.Any(arrival => arrival.Method == "DELETE" && arrival.Session == used));
        (await gateway.ReportAsync("up"))["timeline"]!.ToJsonString().ShouldContain(reason);
        (await SendAsync(gateway, upstream, "prompts/list")).ShouldNotBe(used);
    }

    [Fact]
    public async Task Session_IsReused_AfterACallThatLeavesNothing()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await StartAsync(upstream);

        var used = await SendAsync(gateway, upstream, "prompts/list");

        (await SendAsync(gateway, upstream, "resources/list")).ShouldBe(used);
    }

    private static async Task<GatewayProcess> StartAsync(ScriptedUpstream upstream)
    {
        var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url, """, "pool": { "mode": "exclusive", "max": 1 }"""));
        await gateway.ReadyAsync("up");
        return gateway;
    }

    /// <summary>Sends a request as a legacy client; returns the upstream session it went out on.</summary>
    private static async Task<string?> SendAsync(GatewayProcess gateway, ScriptedUpstream upstream, string method)
    {
        var session = await gateway.InitializeAsync("/mcp/up");
        await gateway.PostAsync("/mcp/up", $$$"""{"jsonrpc":"2.0","id":7,"method":"{{{method}}}","params":{}}""", ("Mcp-Session-Id", session), ("MCP-Protocol-Version", "2025-11-25"));
        return upstream.Arrivals.Last(arrival => arrival.Method == method).Session;
    }
}
