namespace McpGateway.Tests.Wire;

/// <summary>A trace goes through a gateway that records nothing itself.</summary>
public sealed class TraceTests
{
    private const string Ours = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    private const string Other = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    [Theory]
    [InlineData(Ours, null, Ours)]
    [InlineData(Ours, Other, Other)]
    [InlineData("00-nonsense", null, null)]
    [InlineData(null, null, null)]
    public async Task TraceOfTheHeaders_ReachesTheUpstream_UnlessTheBodyNamesOne(string? header, string? body, string? passed)
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        var session = await gateway.InitializeAsync("/mcp/up");
        var meta = body is null ? "" : $$""","_meta":{"traceparent":"{{body}}"}""";
        var headers = new List<(string, string)> { ("Mcp-Session-Id", session) };
        if (header is not null) headers.AddRange([("traceparent", header), ("tracestate", "vendor=1")]);

        await gateway.PostAsync("/mcp/up", $$$"""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"x"}{{{meta}}}}}""", [.. headers]);

        var arrived = upstream.Arrivals.Single(arrival => arrival.Method == "tools/call").Body!["params"]!["_meta"];
        var (parent, state) = (arrived?["traceparent"]?.GetValue<string>(), arrived?["tracestate"]?.GetValue<string>());
        parent.ShouldBe(passed);
        // The state goes with its own trace alone.
        state.ShouldBe(passed is not null && passed == header ? "vendor=1" : null);
    }
}
