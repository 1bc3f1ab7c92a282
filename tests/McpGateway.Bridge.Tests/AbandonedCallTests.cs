using System.Text.Json.Nodes;
using McpGateway.Tests.Wire;

namespace McpGateway.Bridge.Tests;

/// <summary>Calls whose client was asked something and does not come back, or comes too late.</summary>
public sealed class AbandonedCallTests
{
    private static JsonObject Able => JsonNode.Parse("""{"elicitation":{}}""")!.AsObject();

    [Fact]
    public async Task Call_IsGivenUp_WhenItsTimeIsOver_AndItsLateAnswerRefused()
    {
        await using var upstream = Asking(await OddUpstream.StartAsync());
        await using var gateway = await StartAsync(upstream, "\"inputTimeout\": \"1s\"");
        var client = new NewClient(gateway.Client, "/mcp/up", Able);

        var asked = await AskedAsync(client);

        await Eventually.HoldsAsync(() => upstream.Count("(answer)") == 1);
        upstream.Of("(answer)")[0]["result"]!["action"]!.GetValue<string>().ShouldBe("cancel");
        await ClosedAsync(gateway, "did not answer in time");
        await RefusedAsync(client, asked);
    }

    /// <summary>No try could go on with it: its state is of the configuration before.</summary>
    [Fact]
    public async Task Call_IsGivenUp_WhenItsUpstreamIsConfiguredAnew()
    {
        await using var upstream = Asking(await OddUpstream.StartAsync());
        await using var gateway = await StartAsync(upstream, "\"inputTimeout\": \"1h\"");
        var client = new NewClient(gateway.Client, "/mcp/up", Able);
        var asked = await AskedAsync(client);

        gateway.Rewrite(GatewayProcess.Entry("up", upstream.Url, """, "pool": { "inputTimeout": "30m" }"""));

        await Eventually.HoldsAsync(() => upstream.Count("(answer)") == 1);
        upstream.Of("(answer)")[0]["result"]!["action"]!.GetValue<string>().ShouldBe("cancel");
        await RefusedAsync(client, asked);
    }

    [Fact]
    public async Task OldestCall_GivesWay_WhenMoreWaitThanMay_AndOthersAreServed()
    {
        await using var upstream = Asking(await OddUpstream.StartAsync());
        await using var gateway = await StartAsync(upstream, "\"max\": 2, \"maxParked\": 1");
        var client = new NewClient(gateway.Client, "/mcp/up", Able);

        var first = await AskedAsync(client);
        (await gateway.ReportAsync("up"))["pool"]!["parked"]!.GetValue<int>().ShouldBe(1);
        var second = await AskedAsync(client);

        await Eventually.HoldsAsync(() => upstream.Count("(answer)") == 1);
        upstream.Of("(answer)")[0]["result"]!["action"]!.GetValue<string>().ShouldBe("cancel");
        await ClosedAsync(gateway, "too many calls waited");
        await RefusedAsync(client, first);
        (await client.OnceAsync("tools/call", Answered(second))).Answer["result"]!["content"]![0]!["text"]!.GetValue<string>().ShouldBe("accept");
        await Eventually.SeesAsync(() => gateway.ReportAsync("up"), report => report["pool"]!["parked"]!.GetValue<int>() == 0 && report["pool"]!["leased"]!.GetValue<int>() == 0);
    }

    /// <summary>Once it goes on it is a call like others: a client that leaves cancels it.</summary>
    [Fact]
    public async Task Call_ThatIsCancelledAfterItsAnswer_IsCancelledUpstream_AndCannotBeGoneOnWith()
    {
        await using var upstream = Asking(await OddUpstream.StartAsync(), answers: false);
        await using var gateway = await StartAsync(upstream, "");
        var client = new NewClient(gateway.Client, "/mcp/up", Able);
        var asked = await AskedAsync(client);
        using var left = new CancellationTokenSource();

        var leaving = new NewClient(gateway.Client, "/mcp/up", Able) { Cancelled = left.Token };
        var retry = leaving.OnceAsync("tools/call", Answered(asked));
        await Eventually.HoldsAsync(() => upstream.Count("(answer)") == 1);
        await left.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(retry);

        await Eventually.HoldsAsync(() => upstream.Count("notifications/cancelled") == 1);
        await ClosedAsync(gateway, "cancelled");
        await RefusedAsync(client, asked);
    }

    private static async Task<JsonNode> AskedAsync(NewClient client)
    {
        var (_, answer) = await client.OnceAsync("tools/call", Call());
        answer["result"].ShouldNotBeNull(answer.ToJsonString())["resultType"]!.GetValue<string>().ShouldBe("input_required");
        return answer["result"]!;
    }

    private static async Task RefusedAsync(NewClient client, JsonNode asked)
    {
        var (_, answer) = await client.OnceAsync("tools/call", Answered(asked));
        answer["error"].ShouldNotBeNull(answer.ToJsonString())["code"]!.GetValue<int>().ShouldBe(-32602);
        answer["error"]!["message"]!.GetValue<string>().ShouldContain("Start again");
    }

    private static async Task ClosedAsync(GatewayProcess gateway, string reason) => await Eventually.SeesAsync(
        async () => (await gateway.ReportAsync("up"))["timeline"]!.ToJsonString(), timeline => timeline.Contains("session closed", StringComparison.Ordinal) && timeline.Contains(reason, StringComparison.Ordinal));

    private static JsonObject Call() => JsonNode.Parse("""{"name":"echo","arguments":{}}""")!.AsObject();

    private static JsonObject Answered(JsonNode asked)
    {
        var retry = Call();
        retry["inputResponses"] = new JsonObject(asked["inputRequests"]!.AsObject().Select(request => KeyValuePair.Create<string, JsonNode?>(request.Key, BridgeClient.AnswerTo(request.Value!))));
        retry["requestState"] = asked["requestState"]!.DeepClone();
        return retry;
    }

    /// <summary>Asks in each call, and answers it with what the user did, or never.</summary>
    private static OddUpstream Asking(OddUpstream upstream, bool answers = true)
    {
        upstream.Answer = async (context, message) =>
        {
            if (message["method"]?.GetValue<string>() != "tools/call") return false;
            var question = upstream.Question("elicitation/create", """{"message":"Who?","requestedSchema":{"type":"object","properties":{}}}""");
            await OddUpstream.EventAsync(context, question.Message);
            var answer = await question.Answer.WaitAsync(context.RequestAborted);
            if (!answers) await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            else await OddUpstream.EndAsync(context, message, answer["result"]!["action"]!.GetValue<string>());
            return true;
        };
        return upstream;
    }

    private static async Task<GatewayProcess> StartAsync(OddUpstream upstream, string pool)
    {
        var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url, $", \"pool\": {{ {pool} }}"));
        await gateway.ReadyAsync("up");
        return gateway;
    }
}
