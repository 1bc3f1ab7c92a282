using System.Text.Json.Nodes;

namespace McpGateway.Bridge.Tests;

/// <summary>Questions within a tool of one upstream that is called on the aggregate of all.</summary>
[Collection(nameof(Peers))]
public sealed class AggregateQuestionTests(Peers peers)
{
    private static readonly JsonObject s_able = new() { ["elicitation"] = new JsonObject() };

    public static TheoryData<string, string> Cells => Peers.Cells;

    [Theory, MemberData(nameof(Cells))]
    public async Task Elicitation_ReachesTheClientOfTheAggregate_AndItsAnswerTheUpstream(string era, string upstream)
    {
        BridgeClient client = era == "old" ? await OldClient.ConnectAsync(peers.Gateway.Client, "/mcp", s_able) : new NewClient(peers.Gateway.Client, "/mcp", s_able);

        var outcome = await client.CallAsync($"{upstream}__test_elicitation", """{"message":"Who are you?"}""");

        outcome.Text.ShouldNotBeNull(outcome.ToString()).ShouldContain("ada@example.test");
        outcome.Asked.ShouldBe(["elicitation/create"]);
        outcome.Questions[0]["params"]!["message"]!.GetValue<string>().ShouldBe("Who are you?");
    }

    /// <summary>The state that one upstream's tool was asked with is of no use for another's.</summary>
    [Fact]
    public async Task State_BelongsToTheToolOfOneUpstream()
    {
        var client = new NewClient(peers.Gateway.Client, "/mcp", s_able);
        var call = JsonNode.Parse("""{"name":"old-http__test_elicitation","arguments":{"message":"Who?"}}""")!.AsObject();
        var asked = (await client.OnceAsync("tools/call", call)).Answer["result"]!;
        var other = call.DeepClone().AsObject();
        other["name"] = "old-sse__test_elicitation";
        other["requestState"] = asked["requestState"]!.DeepClone();

        var (_, refused) = await client.OnceAsync("tools/call", other);

        refused["error"]!["code"]!.GetValue<int>().ShouldBe(-32602);
    }
}
