using McpGateway.Tests.Wire;

namespace McpGateway.Bridge.Tests;

/// <summary>Tasks, which no two revisions spell alike.</summary>
public sealed class TaskTests
{
    [Theory]
    [InlineData("new", "2025-11-25")]
    [InlineData("old", "2025-06-18")]
    [InlineData("old", "2026-07-28")]
    public async Task Task_IsRefusedAndSaysWhy_WhereRevisionsDiffer(string era, string version)
    {
        await using var upstream = await StartAsync(version);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        var client = await ClientAsync(gateway, era);

        var outcome = await client.RequestAsync("tasks/get", """{"taskId":"t1"}""");

        outcome.ErrorCode.ShouldBe(-32601, outcome.ToString());
        outcome.Answer["error"]!["message"]!.GetValue<string>().ShouldContain($"'up' {version}");
        upstream.Count("tasks/get").ShouldBe(0);
    }

    [Theory]
    [InlineData("old", "2025-11-25")]
    [InlineData("new", "2026-07-28")]
    public async Task Task_Passes_WhereRevisionsAreEqual(string era, string version)
    {
        await using var upstream = await StartAsync(version);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        var client = await ClientAsync(gateway, era);
        (await client.CallAsync("echo")).Text.ShouldBe("on");

        var outcome = await client.RequestAsync("tasks/get", """{"taskId":"t1"}""");

        outcome.Result.ShouldNotBeNull(outcome.ToString())["status"]!.GetValue<string>().ShouldBe("working");
        // A client of sessions asks in the session that the task was made in.
        upstream.Arrivals("tasks/get").Single().Session.ShouldBe(upstream.Arrivals("tools/call").Single().Session);
    }

    private static async Task<BridgeClient> ClientAsync(GatewayProcess gateway, string era) =>
        era == "old" ? await OldClient.ConnectAsync(gateway.Client, "/mcp/up", []) : new NewClient(gateway.Client, "/mcp/up", []);

    private static async Task<OddUpstream> StartAsync(string version)
    {
        var upstream = await OddUpstream.StartAsync();
        upstream.Version = version;
        upstream.Capabilities = """{"tools":{},"tasks":{}}""";
        upstream.Answer = async (context, message) =>
        {
            if (version == "2026-07-28" && await upstream.IsModernAsync(context, message)) return true;
            if (message["method"]?.GetValue<string>() != "tasks/get") return false;
            await OddUpstream.ResultAsync(context, message, """{"resultType":"complete","taskId":"t1","status":"working"}""");
            return true;
        };
        return upstream;
    }
}
