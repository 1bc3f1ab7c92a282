using System.Text.Json.Nodes;

namespace McpGateway.Bridge.Tests;

/// <summary>What a modern client can and cannot do with the state of a call that waits for it.</summary>
[Collection(nameof(Peers))]
public sealed class ParkedCallTests(Peers peers)
{
    private static JsonObject Call => JsonNode.Parse("""{"name":"test_elicitation","arguments":{"message":"Who?"}}""")!.AsObject();

    [Fact]
    public async Task State_WorksOnce()
    {
        var client = await ClientAsync();
        var retry = Answered(await AskedAsync(client));

        (await client.OnceAsync("tools/call", retry)).Answer["result"]!["content"].ShouldNotBeNull();
        var (_, again) = await client.OnceAsync("tools/call", retry);

        again["error"]!["code"]!.GetValue<int>().ShouldBe(-32602);
        again["error"]!["message"]!.GetValue<string>().ShouldContain("Start again");
    }

    [Fact]
    public async Task State_BelongsToOneRequest()
    {
        var client = await ClientAsync();
        var asked = await AskedAsync(client);
        var other = Answered(asked);
        other["arguments"]!["message"] = "Something else?";
        var tool = Answered(asked);
        tool["name"] = "test_sampling";
        var changed = Answered(asked);
        changed["requestState"] = asked["requestState"]!.GetValue<string>() + "x";

        foreach (var wrong in new[] { other, tool, changed }) (await client.OnceAsync("tools/call", wrong)).Answer["error"]!["code"]!.GetValue<int>().ShouldBe(-32602);
        (await peers.ClientAsync("new", "old-sse", """{"elicitation":{}}""")).ShouldBeOfType<NewClient>();
        (await ((NewClient)await peers.ClientAsync("new", "old-sse", """{"elicitation":{}}""")).OnceAsync("tools/call", Answered(asked))).Answer["error"]!["code"]!.GetValue<int>().ShouldBe(-32602);

        // None of them has touched the call.
        (await client.OnceAsync("tools/call", Answered(asked))).Answer["result"]!["content"].ShouldNotBeNull();
    }

    [Fact]
    public async Task State_HoldsWhateverTheOrderOfMembers()
    {
        var client = await ClientAsync();
        var asked = await AskedAsync(client);
        var answered = Answered(asked);
        var reordered = new JsonObject(answered.Reverse().Select(member => KeyValuePair.Create(member.Key, member.Value?.DeepClone())));

        (await client.OnceAsync("tools/call", reordered)).Answer["result"]!["content"].ShouldNotBeNull();
    }

    [Fact]
    public async Task MissingAnswer_IsAskedAgain_WithAnotherState()
    {
        var client = await ClientAsync();
        var asked = await AskedAsync(client);
        var empty = Answered(asked);
        empty["inputResponses"] = new JsonObject();

        var (_, again) = await client.OnceAsync("tools/call", empty);

        again["result"]!["resultType"]!.GetValue<string>().ShouldBe("input_required");
        again["result"]!["inputRequests"]!.ToJsonString().ShouldBe(asked["inputRequests"]!.ToJsonString());
        again["result"]!["requestState"]!.GetValue<string>().ShouldNotBe(asked["requestState"]!.GetValue<string>());
        (await client.OnceAsync("tools/call", Answered(again["result"]!))).Answer["result"]!["content"].ShouldNotBeNull();
    }

    /// <summary>The session of a call that has asked its client is the client's alone: it is closed afterwards, and the next call gets another.</summary>
    [Theory]
    [InlineData("old-http")]
    [InlineData("old-stdio")]
    public async Task Session_IsClosed_AfterItHasAskedAClientThatKeepsNone(string upstream)
    {
        var client = await peers.ClientAsync("new", upstream, """{"elicitation":{}}""");

        (await client.CallAsync("test_elicitation", """{"message":"Who?"}""")).Text.ShouldNotBeNull();

        await Eventually.SeesAsync(() => peers.Gateway.ReportAsync(upstream),
            report => report["timeline"]!.AsArray().Any(happened => happened!["what"]!.GetValue<string>() == "session closed" && happened["reason"]?.GetValue<string>().Contains("was asked", StringComparison.Ordinal) == true));
    }

    private async Task<NewClient> ClientAsync() => (NewClient)await peers.ClientAsync("new", "old-http", """{"elicitation":{}}""");

    private static async Task<JsonNode> AskedAsync(NewClient client)
    {
        var (status, answer) = await client.OnceAsync("tools/call", Call);
        status.ShouldBe(200);
        answer["result"]!["resultType"]!.GetValue<string>().ShouldBe("input_required", answer.ToJsonString());
        return answer["result"]!;
    }

    private static JsonObject Answered(JsonNode asked)
    {
        var retry = Call;
        retry["inputResponses"] = new JsonObject(asked["inputRequests"]!.AsObject().Select(request => KeyValuePair.Create<string, JsonNode?>(request.Key, BridgeClient.AnswerTo(request.Value!))));
        retry["requestState"] = asked["requestState"]!.DeepClone();
        return retry;
    }
}
