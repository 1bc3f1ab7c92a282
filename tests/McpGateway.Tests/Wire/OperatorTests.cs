using System.Net;
using System.Text.Json.Nodes;

namespace McpGateway.Tests.Wire;

public sealed class OperatorTests
{
    [Fact]
    public async Task WarmDrainClear_DoWhatTheySay_ToAPoolOfSessions()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url, ", \"pool\": { \"mode\": \"exclusive\" }"));
        await gateway.ReadyAsync("up");

        (await ActAsync(gateway, "warm?count=3")).ShouldBe(HttpStatusCode.Accepted);
        await gateway.ReadyAsync("up", report => report["pool"]!["idle"]!.GetValue<int>() == 3);

        (await ActAsync(gateway, "clear")).ShouldBe(HttpStatusCode.Accepted);
        await gateway.ReadyAsync("up", report => report["pool"]!["idle"]!.GetValue<int>() == 3 && upstream.Count("initialize") >= 6);

        (await ActAsync(gateway, "drain")).ShouldBe(HttpStatusCode.Accepted);
        var refused = await gateway.ModernCallAsync("/mcp/up", "echo", """{"text":"x"}""");
        refused.Status.ShouldBe(503);
        refused.ErrorText!.ShouldContain("warm");
        refused.Response.Headers.RetryAfter.ShouldNotBeNull();

        (await ActAsync(gateway, "warm")).ShouldBe(HttpStatusCode.Accepted);
        (await gateway.ModernCallAsync("/mcp/up", "echo", """{"text":"back"}""")).Text.ShouldBe("back");
    }

    [Theory]
    [InlineData("up/warm?count=0", HttpStatusCode.BadRequest)]
    [InlineData("up/warm?count=1000", HttpStatusCode.BadRequest)]
    [InlineData("nobody/warm", HttpStatusCode.NotFound)]
    [InlineData("nobody/clear", HttpStatusCode.NotFound)]
    [InlineData("nobody/drain", HttpStatusCode.NotFound)]
    public async Task Operation_IsRefusedInASentence_WhenItMakesNoSense(string path, HttpStatusCode status)
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Modern);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));

        using var response = await gateway.Client.PostAsync(new Uri($"/upstreams/{path}", UriKind.Relative), null, TestContext.Current.CancellationToken);

        response.StatusCode.ShouldBe(status);
        var problem = JsonNode.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!;
        problem["title"]!.ToString().ShouldContain(path.Split('/')[0]);
    }

    [Fact]
    public async Task Upstream_IsReadyAgain_WhenTheSessionThatCouldNotBeOpenedIsNoLongerWanted()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url, ", \"pool\": { \"mode\": \"exclusive\" }"));
        await gateway.ReadyAsync("up");
        upstream.Misbehave = async (context, body) =>
        {
            if (body?["method"]?.ToString() != "initialize") return false;
            await ScriptedUpstream.RefuseAsync(context, 500, "No more.");
            return true;
        };

        var call = gateway.ModernCallAsync("/mcp/up", "slow");
        await Eventually.SeesAsync(async () => (await gateway.ReportAsync("up"))["state"]!.ToString(), state => state == "degraded");
        upstream.Release.SetResult();
        await call;

        var report = await Eventually.SeesAsync(() => gateway.ReportAsync("up"), report => report["state"]!.ToString() == "ready");
        report["summary"]!.ToString().ShouldContain("The last attempt to open one more failed");
    }

    private static async Task<HttpStatusCode> ActAsync(GatewayProcess gateway, string action)
    {
        using var response = await gateway.Client.PostAsync(new Uri($"/upstreams/up/{action}", UriKind.Relative), null, TestContext.Current.CancellationToken);
        return response.StatusCode;
    }
}
