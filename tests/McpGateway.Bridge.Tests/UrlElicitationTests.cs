using System.Text.Json.Nodes;
using McpGateway.Tests.Wire;

namespace McpGateway.Bridge.Tests;

/// <summary>A user who is to open an address: asked by a question, by error -32042, or by an input request.</summary>
public sealed class UrlElicitationTests
{
    private const string Url = "https://example.test/consent";
    private const string Ask = $$"""{"mode":"url","elicitationId":"e1","url":"{{Url}}","message":"Please agree."}""";
    private const string Able = """{"elicitation":{"url":{}}}""";
    private const string OnlyForms = """{"elicitation":{"form":{}}}""";

    [Fact]
    public async Task Error_BecomesAnInputRequest_AndTheRetryIsANewCall()
    {
        await using var upstream = await OddUpstream.StartAsync();
        await using var gateway = await RefusingOnceAsync(upstream);
        var client = new NewClient(gateway.Client, "/mcp/up", Capabilities(Able));

        var outcome = await client.CallAsync("echo");

        outcome.Text.ShouldBe("on", outcome.ToString());
        outcome.Asked.ShouldBe(["elicitation/create"]);
        var asked = outcome.Questions[0]["params"]!;
        (asked["mode"]!.GetValue<string>(), asked["url"]!.GetValue<string>(), asked["message"]!.GetValue<string>()).ShouldBe(("url", Url, "Please agree."));
        asked["elicitationId"].ShouldBeNull("2026-07-28 has none");
        var calls = upstream.Of("tools/call");
        calls.Count.ShouldBe(2);
        calls[1]["params"]!.AsObject().Select(member => member.Key).ShouldNotContain(name => name == "inputResponses" || name == "requestState", "an upstream of the older kind knows neither");
    }

    [Theory]
    [InlineData("new", "{}")]
    [InlineData("new", OnlyForms)]
    [InlineData("old", "{}")]
    [InlineData("old", Able)]
    public async Task Error_PassesAsItIs_ToWhoCannotBeAskedOrKnowsIt(string era, string capabilities)
    {
        await using var upstream = await OddUpstream.StartAsync();
        await using var gateway = await RefusingOnceAsync(upstream);
        var client = await ClientAsync(gateway, era, capabilities);

        var outcome = await client.CallAsync("echo");

        outcome.ErrorCode.ShouldBe(-32042, outcome.ToString());
        outcome.Answer["error"]!["data"]!["elicitations"]![0]!["url"]!.GetValue<string>().ShouldBe(Url);
        upstream.Count("tools/call").ShouldBe(1);
    }

    [Theory]
    [InlineData("new", Able)]
    [InlineData("old", Able)]
    public async Task Question_ReachesTheClient_ThatDeclaredTheMode(string era, string capabilities)
    {
        await using var upstream = await OddUpstream.StartAsync();
        await using var gateway = await AskingAsync(upstream);
        var client = await ClientAsync(gateway, era, capabilities);

        var outcome = await client.CallAsync("echo");

        outcome.Asked.ShouldBe(["elicitation/create"], outcome.ToString());
        outcome.Questions[0]["params"]!["url"]!.GetValue<string>().ShouldBe(Url);
        JsonNode.Parse(outcome.Text!)!["result"]!["action"]!.GetValue<string>().ShouldBe("accept");
    }

    /// <summary>The specification tells a client without elicitation from one without this mode of it.</summary>
    [Theory]
    [InlineData("new", "{}", -32601)]
    [InlineData("old", "{}", -32601)]
    [InlineData("new", OnlyForms, -32602)]
    [InlineData("old", OnlyForms, -32602)]
    public async Task Question_IsRefused_ForAClientThatDidNotDeclareTheMode(string era, string capabilities, int code)
    {
        await using var upstream = await OddUpstream.StartAsync();
        await using var gateway = await AskingAsync(upstream);
        var client = await ClientAsync(gateway, era, capabilities);

        var outcome = await client.CallAsync("echo");

        outcome.Questions.ShouldBeEmpty();
        JsonNode.Parse(outcome.Text.ShouldNotBeNull(outcome.ToString()))!["error"]!["code"]!.GetValue<int>().ShouldBe(code);
    }

    [Theory]
    [InlineData("new")]
    [InlineData("old")]
    public async Task InputRequest_OfAModernUpstream_ReachesTheClient(string era)
    {
        await using var upstream = await OddUpstream.StartAsync();
        await using var gateway = await RequiringAsync(upstream);
        var client = await ClientAsync(gateway, era, Able);

        var outcome = await client.CallAsync("echo");

        outcome.Text.ShouldBe("""{"consent":{"action":"accept"}}""", outcome.ToString());
        outcome.Asked.ShouldBe(["elicitation/create"]);
        outcome.Questions[0]["params"]!["url"]!.GetValue<string>().ShouldBe(Url);
        // 2025-11-25 requires an id; 2026-07-28 has none.
        (outcome.Questions[0]["params"]!["elicitationId"] is null).ShouldBe(era == "new");
        upstream.Of("tools/call")[1]["params"]!["requestState"]!.GetValue<string>().ShouldBe("theirs");
    }

    [Fact]
    public async Task InputRequest_OfAModernUpstream_EndsTheCallOfALegacyClientThatCannotOpenIt()
    {
        await using var upstream = await OddUpstream.StartAsync();
        await using var gateway = await RequiringAsync(upstream);
        var client = await ClientAsync(gateway, "old", OnlyForms);

        var outcome = await client.CallAsync("echo");

        outcome.Questions.ShouldBeEmpty();
        outcome.ErrorCode.ShouldBe(-32603, outcome.ToString());
        outcome.Answer["error"]!["message"]!.GetValue<string>().ShouldContain("has not declared");
    }

    private static JsonObject Capabilities(string json) => JsonNode.Parse(json)!.AsObject();

    private static async Task<BridgeClient> ClientAsync(GatewayProcess gateway, string era, string capabilities) => era == "old"
        ? await OldClient.ConnectAsync(gateway.Client, "/mcp/up", Capabilities(capabilities))
        : new NewClient(gateway.Client, "/mcp/up", Capabilities(capabilities));

    private static Task<GatewayProcess> RefusingOnceAsync(OddUpstream upstream) => StartAsync(upstream, async (context, message) =>
    {
        if (upstream.Count("tools/call") > 1) return false;
        await OddUpstream.ErrorAsync(context, message, 200, -32042, $$"""{"elicitations":[{{Ask}}]}""");
        return true;
    });

    private static Task<GatewayProcess> AskingAsync(OddUpstream upstream) => StartAsync(upstream, async (context, message) =>
    {
        var question = upstream.Question("elicitation/create", Ask);
        await OddUpstream.EventAsync(context, question.Message);
        await OddUpstream.EndAsync(context, message, (await question.Answer.WaitAsync(context.RequestAborted)).ToJsonString());
        return true;
    });

    private static Task<GatewayProcess> RequiringAsync(OddUpstream upstream) => StartAsync(upstream, async (context, message) =>
    {
        const string Required = $$$$"""{"resultType":"input_required","inputRequests":{"consent":{"method":"elicitation/create","params":{"mode":"url","url":"{{{{Url}}}}","message":"Please agree."}}},"requestState":"theirs"}""";
        await OddUpstream.ResultAsync(context, message, message["params"]!["inputResponses"] is { } responses ? OddUpstream.TextResult(responses.ToJsonString()) : Required);
        return true;
    }, isModern: true);

    private static async Task<GatewayProcess> StartAsync(OddUpstream upstream, Func<Microsoft.AspNetCore.Http.HttpContext, JsonNode, Task<bool>> call, bool isModern = false)
    {
        upstream.Answer = async (context, message) =>
        {
            var method = message["method"]?.GetValue<string>();
            if (isModern && await upstream.IsModernAsync(context, message)) return true;
            return method == "tools/call" && await call(context, message);
        };
        var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await Eventually.SeesAsync(() => gateway.ReportAsync("up"), report => report["state"]!.GetValue<string>() == "ready");
        return gateway;
    }
}
