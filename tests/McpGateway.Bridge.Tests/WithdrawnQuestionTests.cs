using System.Text.Json.Nodes;
using McpGateway.Tests.Wire;

namespace McpGateway.Bridge.Tests;

/// <summary>Questions that an upstream asks within a call and takes back.</summary>
public sealed class WithdrawnQuestionTests
{
    [Fact]
    public async Task Question_ThatIsTakenBack_IsCancelledAtALegacyClient_AndItsLateAnswerDropped()
    {
        await using var upstream = await OddUpstream.StartAsync();
        await using var gateway = await StartAsync(upstream);
        var client = await OldClient.ConnectAsync(gateway.Client, "/mcp/up", Sampling());
        JsonNode? left = null;
        client.Answers = question =>
        {
            if (left is not null) return true;
            left = question;
            return false;
        };
        client.Notified = notice => notice["method"]!.GetValue<string>() == "notifications/cancelled" ? client.AnswerAsync(left!) : Task.CompletedTask;

        var outcome = await client.CallAsync("echo");

        outcome.Text.ShouldBe("sampled", outcome.ToString());
        outcome.Notices.Single()["params"]!["requestId"]!.ToJsonString().ShouldBe(left!["id"]!.ToJsonString());
        outcome.Notices.Single()["params"]!["reason"]!.GetValue<string>().ShouldBe("Not needed.");
        upstream.Of("(answer)").Select(answer => answer["id"]!.GetValue<int>()).ShouldBe([2]);
    }

    /// <summary>A modern client is asked in a result, by when the question has been taken back.</summary>
    [Fact]
    public async Task Question_ThatIsTakenBack_IsNotPutToAModernClient()
    {
        await using var upstream = await OddUpstream.StartAsync();
        await using var gateway = await StartAsync(upstream);
        var client = new NewClient(gateway.Client, "/mcp/up", Sampling());

        var outcome = await client.CallAsync("echo");

        outcome.Text.ShouldBe("sampled", outcome.ToString());
        outcome.Questions.Select(question => question["params"]!["maxTokens"]!.GetValue<int>()).ShouldBe([2]);
        upstream.Of("(answer)").Select(answer => answer["id"]!.GetValue<int>()).ShouldBe([2]);
    }

    private static JsonObject Sampling() => new() { ["sampling"] = new JsonObject() };

    /// <summary>Asks, takes it back, asks something else and waits for that.</summary>
    private static async Task<GatewayProcess> StartAsync(OddUpstream upstream)
    {
        upstream.Answer = async (context, message) =>
        {
            if (message["method"]?.GetValue<string>() != "tools/call") return false;
            var (first, second) = (upstream.Question("sampling/createMessage", """{"maxTokens":1}"""), upstream.Question("sampling/createMessage", """{"maxTokens":2}"""));
            await OddUpstream.EventAsync(context, first.Message);
            await OddUpstream.EventAsync(context, $$$"""{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{{{first.Id}}},"reason":"Not needed."}}""");
            await OddUpstream.EventAsync(context, second.Message);
            await OddUpstream.EndAsync(context, message, (await second.Answer.WaitAsync(context.RequestAborted))["result"]!["content"]!["text"]!.GetValue<string>());
            return true;
        };
        var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        return gateway;
    }
}
