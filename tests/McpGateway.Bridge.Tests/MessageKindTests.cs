using System.Text.Json.Nodes;

namespace McpGateway.Bridge.Tests;

/// <summary>Every kind of message that MCP carries, between clients and upstreams of either era, over every transport.</summary>
[Collection(nameof(Peers))]
public sealed class MessageKindTests(Peers peers)
{
    private const string Everything = """{"sampling":{},"elicitation":{},"roots":{"listChanged":true}}""";

    public static TheoryData<string, string> Cells => Peers.Cells;

    [Theory, MemberData(nameof(Cells))]
    public async Task Sampling_ReachesTheClient_AndItsAnswerTheUpstream(string era, string upstream)
    {
        var client = await peers.ClientAsync(era, upstream, Everything);

        var outcome = await client.CallAsync("test_sampling", """{"prompt":"who?"}""");

        outcome.Text.ShouldBe("LLM response: sampled", outcome.ToString());
        outcome.Asked.ShouldBe(["sampling/createMessage"]);
        outcome.Questions[0]["params"]!["messages"]![0]!["content"]!["text"]!.GetValue<string>().ShouldContain("who?");
    }

    [Theory, MemberData(nameof(Cells))]
    public async Task Elicitation_ReachesTheClient_AndItsAnswerTheUpstream(string era, string upstream)
    {
        var client = await peers.ClientAsync(era, upstream, Everything);

        var outcome = await client.CallAsync("test_elicitation", """{"message":"Who are you?"}""");

        outcome.Text.ShouldNotBeNull(outcome.ToString()).ShouldContain("ada@example.test");
        outcome.Asked.ShouldBe(["elicitation/create"]);
        outcome.Questions[0]["params"]!["message"]!.GetValue<string>().ShouldBe("Who are you?");
    }

    [Theory, MemberData(nameof(Cells))]
    public async Task SeveralRounds_AreAskedOneAfterTheOther(string era, string upstream)
    {
        var client = await peers.ClientAsync(era, upstream, Everything);

        var outcome = await client.CallAsync("test_input_required_result_multi_round");

        outcome.Result.ShouldNotBeNull(outcome.ToString());
        outcome.Asked.ShouldBe(["elicitation/create", "elicitation/create"]);
    }

    [Theory, MemberData(nameof(Cells))]
    public async Task Prompt_CanAskToo(string era, string upstream)
    {
        var client = await peers.ClientAsync(era, upstream, Everything);

        var outcome = await client.RequestAsync("prompts/get", """{"name":"test_input_required_result_prompt"}""");

        outcome.Result.ShouldNotBeNull(outcome.ToString())["messages"]!.AsArray().ShouldNotBeEmpty();
        outcome.Asked.ShouldBe(["elicitation/create"]);
    }

    /// <summary>What a client has not declared is never asked of it, whatever another client of the same upstream has declared.</summary>
    [Theory, MemberData(nameof(Cells))]
    public async Task Question_IsNotPutToAClient_ThatDidNotDeclareIt(string era, string upstream)
    {
        var client = await peers.ClientAsync(era, upstream);

        var outcome = await client.CallAsync("test_sampling", """{"prompt":"who?"}""");

        outcome.Questions.ShouldBeEmpty();
        (outcome.ErrorCode is not null || outcome.Result?["isError"]?.GetValue<bool>() == true).ShouldBeTrue(outcome.ToString());
    }

    [Theory, MemberData(nameof(Cells))]
    public async Task Roots_AreNotShown_WhereTheOperatorHasNotAllowedIt(string era, string upstream)
    {
        var client = await peers.ClientAsync(era, upstream, Everything);

        var outcome = await client.CallAsync("test_input_required_result_list_roots");

        outcome.Asked.ShouldNotContain("roots/list", outcome.ToString());
    }

    [Theory]
    [InlineData("old")]
    [InlineData("new")]
    public async Task Roots_AreShown_WhereTheOperatorAllowsIt(string era)
    {
        var client = await peers.ClientAsync(era, "rooted", Everything);

        var outcome = await client.CallAsync("test_input_required_result_list_roots");

        outcome.Asked.ShouldBe(["roots/list"], outcome.ToString());
        outcome.Text.ShouldNotBeNull().ShouldContain("file:///work");
    }

    [Theory, MemberData(nameof(Cells))]
    public async Task Progress_ComesBackWithTheClientsToken(string era, string upstream)
    {
        var client = await peers.ClientAsync(era, upstream);

        var outcome = await client.CallAsync("test_tool_with_progress", meta: "\"progressToken\":\"mine\"");

        outcome.Result.ShouldNotBeNull(outcome.ToString());
        outcome.Notices.Where(notice => notice["method"]!.GetValue<string>() == "notifications/progress").Select(notice => notice["params"]!["progressToken"]!.GetValue<string>()).ShouldBe(["mine", "mine", "mine"]);
    }

    /// <summary>A client of sessions says once how much it wants to hear; a stateless one with each request, and else hears nothing.</summary>
    [Theory, MemberData(nameof(Cells))]
    public async Task Log_ReachesTheClient_AsSevereAsItWants(string era, string upstream)
    {
        var client = await peers.ClientAsync(era, upstream);

        (await LogAsync(client, era, "info")).Count.ShouldBe(3);
        (await LogAsync(client, era, "error")).ShouldBeEmpty();
        if (era == "new") (await client.CallAsync("test_tool_with_logging")).Notices.ShouldBeEmpty();
    }

    [Theory, MemberData(nameof(Cells))]
    public async Task Completion_AndResourcesAndPrompts_PassThrough(string era, string upstream)
    {
        var client = await peers.ClientAsync(era, upstream);

        (await client.RequestAsync("completion/complete", """{"ref":{"type":"ref/prompt","name":"test_prompt_with_arguments"},"argument":{"name":"arg1","value":"te"}}""")).Result!["completion"]!["values"].ShouldNotBeNull();
        (await client.RequestAsync("resources/read", """{"uri":"test://static-text"}""")).Result!["contents"]![0]!["text"]!.GetValue<string>().ShouldStartWith("This is the content");
        (await client.RequestAsync("resources/templates/list", "{}")).Result!["resourceTemplates"]!.AsArray().ShouldNotBeEmpty();
        (await client.RequestAsync("prompts/list", "{}")).Result!["prompts"]!.AsArray().ShouldNotBeEmpty();
    }

    [Theory, MemberData(nameof(Cells))]
    public async Task MissingResource_IsAnErrorOfTheClientsOwnRevision(string era, string upstream)
    {
        var client = await peers.ClientAsync(era, upstream);

        var outcome = await client.RequestAsync("resources/read", """{"uri":"test://nowhere"}""");

        (era == "old" ? [-32002, -32602] : new[] { -32602 }).ShouldContain(outcome.ErrorCode ?? 0, outcome.ToString());
    }

    [Theory, MemberData(nameof(Cells))]
    public async Task UnknownMethod_Is404ForAModernClient_AndAnAnswerForAnother(string era, string upstream)
    {
        var client = await peers.ClientAsync(era, upstream);

        var outcome = await client.RequestAsync("vendor/unknown", "{}");

        outcome.ErrorCode.ShouldBe(-32601, outcome.ToString());
        outcome.Status.ShouldBe(era == "new" ? 404 : 200);
    }

    /// <summary>Subscribing works whichever way the upstream has for it; where the client has none of its own revision, the method is not there.</summary>
    [Theory, MemberData(nameof(Cells))]
    public async Task Subscription_IsTakenFromAClientOfSessions(string era, string upstream)
    {
        var client = await peers.ClientAsync(era, upstream);

        var subscribed = await client.RequestAsync("resources/subscribe", """{"uri":"test://watched-resource"}""");

        if (era == "new")
        {
            subscribed.ErrorCode.ShouldBe(-32601);
            return;
        }

        subscribed.Result.ShouldNotBeNull(subscribed.ToString());
        (await client.RequestAsync("resources/unsubscribe", """{"uri":"test://watched-resource"}""")).Result.ShouldNotBeNull();
    }

    private static async Task<IReadOnlyList<JsonNode>> LogAsync(BridgeClient client, string era, string level)
    {
        if (era == "old") (await client.RequestAsync("logging/setLevel", $$"""{"level":"{{level}}"}""")).Result.ShouldNotBeNull();
        var outcome = await client.CallAsync("test_tool_with_logging", meta: era == "new" ? $"\"io.modelcontextprotocol/logLevel\":\"{level}\"" : "");
        outcome.Result.ShouldNotBeNull(outcome.ToString());
        return [.. outcome.Notices.Where(notice => notice["method"]!.GetValue<string>() == "notifications/message")];
    }
}
