using System.Text.Json.Nodes;
using McpGateway.Tests.Wire;

namespace McpGateway.Bridge.Tests;

/// <summary>What an upstream says outside of calls reaches the client that owns its session, and only that one.</summary>
public sealed class OutsideTests
{
    private const string Everything = """{"tools":{"listChanged":true},"logging":{},"resources":{"subscribe":true}}""";

    /// <summary>Whether the level is the first that is asked of the session or a later call.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Log_ReachesTheOwner_AsSevereAsItWants_OnceItHasSetALevel(bool hasCalledBefore)
    {
        await using var upstream = await StartAsync();
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        var client = await OldClient.ConnectAsync(gateway.Client, "/mcp/up", []);
        await using var heard = await client.ListenAsync();
        if (hasCalledBefore) (await client.CallAsync("echo")).Text.ShouldBe("on");

        (await client.RequestAsync("logging/setLevel", """{"level":"warning"}""")).Result.ShouldNotBeNull();

        var session = upstream.Arrivals("logging/setLevel")[0].Session;
        await Eventually.HoldsAsync(() => upstream.Listening.Contains(session));
        upstream.Say(session, Log("info", "not this"));
        upstream.Say(session, Log("error", "this"));
        var told = await heard.NextAsync();
        told["method"]!.GetValue<string>().ShouldBe("notifications/message");
        told["params"]!["data"]!.GetValue<string>().ShouldBe("this");
    }

    [Fact]
    public async Task ListChange_OnTheOwnersStream_ReachesIt_AndTheNextListIsTheNewOne()
    {
        await using var upstream = await StartAsync();
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        var client = await OldClient.ConnectAsync(gateway.Client, "/mcp/up", []);
        (await client.RequestAsync("tools/list", "{}")).Result!["tools"]!.AsArray().Count.ShouldBe(1);
        await using var heard = await client.ListenAsync();
        (await client.RequestAsync("logging/setLevel", """{"level":"debug"}""")).Result.ShouldNotBeNull();
        var session = upstream.Arrivals("logging/setLevel")[0].Session;
        await Eventually.HoldsAsync(() => upstream.Listening.Contains(session));

        upstream.Tools = ["echo", "second"];
        upstream.Say(session, """{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}""");

        var told = await heard.NextAsync();
        told["method"]!.GetValue<string>().ShouldBe("notifications/tools/list_changed");
        (await client.RequestAsync("tools/list", "{}")).Result!["tools"]!.AsArray().Count.ShouldBe(2);
    }

    /// <summary>The client knows the question by the gateway's id, and so does its withdrawal.</summary>
    [Fact]
    public async Task Question_OutsideOfCalls_ThatIsTakenBack_IsCancelledAtTheOwner_AndItsLateAnswerDropped()
    {
        await using var upstream = await StartAsync();
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        var client = await OldClient.ConnectAsync(gateway.Client, "/mcp/up", JsonNode.Parse("""{"sampling":{}}""")!.AsObject());
        await using var heard = await client.ListenAsync();
        (await client.CallAsync("echo")).Text.ShouldBe("on");
        var session = upstream.Arrivals("tools/call")[0].Session;
        await Eventually.HoldsAsync(() => upstream.Listening.Contains(session));
        var (first, second) = (upstream.Question("sampling/createMessage", "{}"), upstream.Question("sampling/createMessage", "{}"));

        upstream.Say(session, first.Message);
        var asked = await heard.NextAsync();
        upstream.Say(session, $$$"""{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{{{first.Id}}}}}""");
        var told = await heard.NextAsync();
        told["method"]!.GetValue<string>().ShouldBe("notifications/cancelled");
        told["params"]!["requestId"]!.ToJsonString().ShouldBe(asked["id"]!.ToJsonString());
        await client.AnswerAsync(asked);

        // The next question is answered; had the late answer gone through, it would have come before.
        upstream.Say(session, second.Message);
        await client.AnswerAsync(await heard.NextAsync());
        (await second.Answer.WaitAsync(Eventually.Patience))["result"].ShouldNotBeNull();
        upstream.Of("(answer)").Select(answer => answer["id"]!.GetValue<int>()).ShouldBe([second.Id]);
    }

    /// <summary>Its next stream is another one, and it does not say where it stood.</summary>
    [Fact]
    public async Task Question_OutsideOfCalls_WaitsForAClientThatListensNoMore_AndGoesOnTheNextStreamItOpens()
    {
        await using var upstream = await StartAsync();
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        var client = await OldClient.ConnectAsync(gateway.Client, "/mcp/up", JsonNode.Parse("""{"sampling":{}}""")!.AsObject());
        await using (await client.ListenAsync()) (await client.CallAsync("echo")).Text.ShouldBe("on");
        var session = upstream.Arrivals("tools/call")[0].Session;
        await Eventually.HoldsAsync(() => upstream.Listening.Contains(session));
        await Eventually.SeesAsync(async () => JsonNode.Parse(await gateway.Client.GetStringAsync(new Uri("/sessions", UriKind.Relative)))!, report => report["connections"]!.GetValue<int>() == 0);
        var question = upstream.Question("sampling/createMessage", "{}");
        upstream.Say(session, question.Message);
        // When this has come too, the question has: both wait on the stream that has no connection.
        upstream.Say(session, Log("error", "this"));
        await Eventually.SeesAsync(async () => JsonNode.Parse(await gateway.Client.GetStringAsync(new Uri("/sessions", UriKind.Relative)))!, report => report["sessions"]![0]!["streams"]![0]!["events"]!.GetValue<int>() == 2);

        await using var heard = await client.ListenAsync();

        await client.AnswerAsync(await heard.NextAsync());
        (await question.Answer.WaitAsync(Eventually.Patience))["result"].ShouldNotBeNull();
        (await heard.NextAsync())["method"]!.GetValue<string>().ShouldBe("notifications/message");
    }

    private static string Log(string level, string text) => $$$"""{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"{{{level}}}","data":"{{{text}}}"}}""";

    private static async Task<OddUpstream> StartAsync()
    {
        var upstream = await OddUpstream.StartAsync();
        upstream.Capabilities = Everything;
        upstream.Answer = async (context, message) =>
        {
            if (message["method"]?.GetValue<string>() != "logging/setLevel") return false;
            await OddUpstream.ResultAsync(context, message, "{}");
            return true;
        };
        return upstream;
    }
}
