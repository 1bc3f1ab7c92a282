using System.Text.Json.Nodes;

namespace McpGateway.Tests.Wire;

public sealed class AffinityTests
{
    private const string Key = "internal.mcp-gateway/affinity";

    [Fact]
    public async Task Affinity_KeepsTheSession_WhetherInTheHeaderOrInMeta_AndGoesNoFurther()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");

        await CallAsync(gateway, "remember", """{"value":"mine"}""", "\"run_7/tester\"");

        (await CallAsync(gateway, "recall", "{}", "\"run_7/tester\"")).Text.ShouldBe("mine");
        (await gateway.ModernCallAsync("/mcp/up", "recall", affinity: "run_7/tester")).Text.ShouldBe("mine");
        (await CallAsync(gateway, "recall", "{}", "\"run_7/tester\"", header: "run_7/tester")).Text.ShouldBe("mine");
        (await CallAsync(gateway, "recall", "{}", "\"run_8/tester\"")).Text.ShouldNotBe("mine");
        upstream.Arrivals.ShouldAllBe(arrival => arrival.Body == null || !arrival.Body.ToJsonString(null).Contains("affinity", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("7", null, -32602, "must be a string")]
    [InlineData("{}", null, -32602, "must be a string")]
    [InlineData("null", null, -32602, "must be a string")]
    [InlineData("\"\"", null, -32602, "is empty")]
    [InlineData("LONG", null, -32602, "has 257 characters; it may have 256")]
    [InlineData("\"a\"", "b", -32020, "differ")]
    public async Task Affinity_IsRefusedByName_WhenItCannotBeMeant(string member, string? header, int code, string why)
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Modern);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));

        var refused = await CallAsync(gateway, "echo", "{}", member == "LONG" ? $"\"{new string('x', 257)}\"" : member, header);

        refused.Status.ShouldBe(400);
        refused.ErrorCode.ShouldBe(code);
        refused.ErrorText!.ShouldContain(Key);
        refused.ErrorText!.ShouldContain(why);
        upstream.Count("tools/call").ShouldBe(0);
    }

    private static Task<Reply> CallAsync(GatewayProcess gateway, string tool, string arguments, string affinity, string? header = null)
    {
        var body = JsonNode.Parse($$"""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"{{tool}}","arguments":{{arguments}},"_meta":{ {{GatewayProcess.Envelope}} } } }""")!;
        body["params"]!["_meta"]![Key] = JsonNode.Parse(affinity);
        var headers = new List<(string, string)> { ("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/call"), ("Mcp-Name", tool) };
        if (header is not null) headers.Add(("Mcp-Affinity", header));
        return gateway.PostAsync("/mcp/up", body.ToJsonString(), [.. headers]);
    }
}
