using McpGateway.Tests.Wire;

namespace McpGateway.Tests.Streams;

/// <summary><c>subscriptions/listen</c> of 2026-07-28.</summary>
public sealed class SubscriptionTests
{
    private const string SubscriptionId = "io.modelcontextprotocol/subscriptionId";

    [Theory]
    [InlineData("/mcp", "7")]
    [InlineData("/mcp/up", "\"seven\"")]
    public async Task Subscription_IsAcknowledged_ToldOfWhatItAskedFor_AndNothingElse(string path, string id)
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var other = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url), GatewayProcess.Entry("other", other.Url));
        await gateway.ReadyAsync("up");
        await gateway.ReadyAsync("other");
        await using var wanting = await ListenAsync(gateway, path, id, """{"toolsListChanged":true,"promptsListChanged":true,"resourceSubscriptions":["file:///a"]}""");
        await using var silent = await ListenAsync(gateway, path, id, "{}");

        var acknowledged = await wanting.NextMessageAsync();
        acknowledged.Method.ShouldBe("notifications/subscriptions/acknowledged");
        acknowledged.Id.ShouldBeNullOrEmpty();
        acknowledged.Message["params"]!["_meta"]![SubscriptionId]!.ToJsonString().ShouldBe(id);
        acknowledged.Message["params"]!["notifications"]!.ToJsonString().ShouldBe(path == "/mcp" ? """{"toolsListChanged":true,"promptsListChanged":true}""" : """{"toolsListChanged":true}""", "the one upstream has no prompts");
        (await silent.NextMessageAsync()).Message["params"]!["notifications"]!.ToJsonString().ShouldBe("{}");

        await ListeningTests.ChangeToolsAsync(gateway, upstream);
        var told = await wanting.NextMessageAsync();
        told.Method.ShouldBe("notifications/tools/list_changed");
        told.Message["params"]!["_meta"]![SubscriptionId]!.ToJsonString().ShouldBe(id);

        gateway.Service.Terminate();
        foreach (var stream in new[] { wanting, silent })
        {
            var end = await stream.NextMessageAsync();
            end.Message["id"]!.ToJsonString().ShouldBe(id);
            end.Message["result"]!["resultType"]!.GetValue<string>().ShouldBe("complete");
            end.Message["result"]!["_meta"]![SubscriptionId]!.ToJsonString().ShouldBe(id);
            (await stream.NextAsync()).ShouldBeNull();
        }

        (await gateway.Service.WaitForExitAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task Subscription_IsRefused_WhereItIsNone()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");

        (await gateway.PostAsync("/mcp", Request("1", "7"), Headers)).ErrorCode.ShouldBe(-32602);
        await using var json = await EventReader.PostAsync(gateway, "/mcp", Request("1", "{}"), [.. Headers, ("Accept", "application/json")]);
        json.Status.ShouldBe(406);
        var session = await gateway.InitializeAsync();
        (await gateway.PostAsync("/mcp", """{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{}}}""", ("Mcp-Session-Id", session))).ErrorCode.ShouldBe(-32601);
    }

    private static (string, string)[] Headers => [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "subscriptions/listen")];

    private static Task<EventReader> ListenAsync(GatewayProcess gateway, string path, string id, string filter) => EventReader.PostAsync(gateway, path, Request(id, filter), Headers);

    private static string Request(string id, string filter) =>
        $"{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"subscriptions/listen\",\"params\":{{\"notifications\":{filter},\"_meta\":{{{GatewayProcess.Envelope}}}}}}}";
}
