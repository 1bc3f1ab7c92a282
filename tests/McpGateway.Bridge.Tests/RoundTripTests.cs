using FaultyUpstream;
using McpGateway.Tests.Wire;

namespace McpGateway.Bridge.Tests;

/// <summary>What a warm session is for: a stateless client's call on an upstream that wants a handshake costs one request there.</summary>
public sealed class RoundTripTests
{
    private const int Calls = 20;

    [Theory]
    [InlineData("http")]
    [InlineData("sse")]
    public async Task ModernCall_OnAnUpstreamOfSessions_IsOneRequestThere(string transport)
    {
        await using var upstream = await FaultyUpstreamHost.StartAsync();
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", $"{(transport == "http" ? upstream.Mcp : upstream.Sse)}", $", \"type\": \"{transport}\", \"pool\": {{ \"max\": 1, \"bypassWindow\": \"30m\", \"keepAlive\": \"30m\" }}"));
        await gateway.ReadyAsync("up");
        var opening = upstream.Control.Read().Counters.Requests;
        upstream.Control.ResetCounters();

        for (var call = 0; call < Calls; call++) (await gateway.ModernCallAsync("/mcp/up", "echo", """{"text":"on"}""")).Text.ShouldBe("on");

        var requests = upstream.Control.Read().Counters.Requests;
        TestContext.Current.TestOutputHelper?.WriteLine($"Before the calls: {string.Join(", ", opening.Select(pair => $"{pair.Key} {pair.Value}"))}. For {Calls} calls: {string.Join(", ", requests.Select(pair => $"{pair.Key} {pair.Value}"))}.");
        requests["tools/call"].ShouldBe(Calls);
        // On nobody's path: the stream on which changed lists are heard, opened once in the background, perhaps only after the calls began.
        requests.GetValueOrDefault("GET").ShouldBeLessThanOrEqualTo(1);
        requests.Keys.Except(["tools/call", "GET"]).ShouldBeEmpty();
    }
}
