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
    [InlineData("up/warm?count=abc", HttpStatusCode.BadRequest)]
    [InlineData("up/warm?count=", HttpStatusCode.BadRequest)]
    [InlineData("up/warm?count=1&count=2", HttpStatusCode.BadRequest)]
    [InlineData("up/warm?count=99999999999", HttpStatusCode.BadRequest)]
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

    [Theory]
    [InlineData("GET", "/upstreams/up/warm", HttpStatusCode.MethodNotAllowed, "POST")]
    [InlineData("DELETE", "/upstreams/up/drain", HttpStatusCode.MethodNotAllowed, "POST")]
    [InlineData("PUT", "/upstreams/up", HttpStatusCode.MethodNotAllowed, "GET")]
    [InlineData("POST", "/upstreams", HttpStatusCode.MethodNotAllowed, "GET")]
    [InlineData("DELETE", "/sessions", HttpStatusCode.MethodNotAllowed, "GET")]
    [InlineData("POST", "/upstreams/up/explode", HttpStatusCode.NotFound, "explode")]
    public async Task Request_IsRefusedWithAProblem_WhenItsMethodOrOperationIsNoneOfTheAddress(string method, string path, HttpStatusCode status, string named)
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Modern);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));

        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using var response = await gateway.Client.SendAsync(request, TestContext.Current.CancellationToken);

        response.StatusCode.ShouldBe(status);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
        var problem = JsonNode.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!;
        problem["title"]!.ToString().ShouldContain(named);
        if (status == HttpStatusCode.MethodNotAllowed) response.Content.Headers.Allow.ShouldBe([named]);
    }

    [Fact]
    public async Task FirstAttemptRatio_MeasuresTheSessions_AndNotTheMistakesOfCallers()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url, ", \"pool\": { \"mode\": \"pinned\" }"));
        await gateway.ReadyAsync("up");

        (await gateway.ModernCallAsync("/mcp/up", "echo", """{"text":"x"}""")).ErrorText!.ShouldContain("is pinned");
        (await gateway.ReportAsync("up"))["calls"]!.ToJsonString().ShouldBe("""{"total":0,"first_attempt":0}""");
        (await gateway.ModernCallAsync("/mcp/up", "echo", """{"text":"y"}""", affinity: "a")).Text.ShouldBe("y");

        (await gateway.ReportAsync("up"))["calls"]!.ToJsonString().ShouldBe("""{"total":1,"first_attempt":1,"first_attempt_ratio":1}""");
    }

    [Fact]
    public async Task UnknownUpstream_IsRefusedUnderTheIdOfTheRequest()
    {
        await using var gateway = await GatewayProcess.StartAsync();

        var known = await gateway.PostAsync("/mcp/nobody", """{"jsonrpc":"2.0","id":"mine","method":"tools/list"}""");
        var garbled = await gateway.PostAsync("/mcp/nobody", "{");

        foreach (var reply in new[] { known, garbled })
        {
            reply.Status.ShouldBe(404);
            reply.ErrorText!.ShouldContain("There is no upstream 'nobody'");
        }

        known.Last["id"]!.GetValue<string>().ShouldBe("mine");
        garbled.Last["id"].ShouldBeNull();
    }

    [Fact]
    public async Task Help_IsPrinted_InsteadOfAGatewayStarted()
    {
        await using var gateway = ServiceProcess.Launch("McpGateway", "http://127.0.0.1:0", ["--help"]);

        (await gateway.WaitForExitAsync()).ShouldBe(0);

        gateway.Output.ShouldContain(line => line.Contains("--Gateway:ConfigFile", StringComparison.Ordinal));
        gateway.Output.ShouldNotContain(line => line.Contains("Now listening", StringComparison.Ordinal));
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
