using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;

namespace McpGateway.Tests.Wire;

public sealed class FaultTests
{
    [Theory]
    [InlineData(404, "Session not found")]
    [InlineData(400, "Bad Request: No valid session ID provided")]
    [InlineData(400, "Unknown Mcp-Session-Id header")]
    [InlineData(422, "expect initialize request")]
    [InlineData(503, "Session not found")]
    public async Task Call_IsRepeatedOnANewSession_WhenTheUpstreamLostTheOld(int status, string words)
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        var session = await gateway.InitializeAsync();
        (await gateway.CallAsync(session, "/mcp", "up__echo", """{"text":"before"}""")).Text.ShouldBe("before");
        var lost = upstream.Arrivals.Where(arrival => arrival.Session is not null).Select(arrival => arrival.Session).ToHashSet();
        upstream.DropSessions();
        upstream.Misbehave = async (context, _) =>
        {
            if (!lost.Contains(context.Request.Headers["Mcp-Session-Id"].ToString())) return false;
            await ScriptedUpstream.RefuseAsync(context, status, words);
            return true;
        };

        var reply = await gateway.CallAsync(session, "/mcp", "up__echo", """{"text":"after"}""");

        reply.Text.ShouldBe("after", reply.ToString());
        upstream.Runs("echo").ShouldBe(2);
        upstream.Count("server/discover").ShouldBe(1);
    }

    [Fact]
    public async Task Call_SaysThatItsOutcomeIsUnknown_AndRunsOnce_WhenTheStreamIsCut()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var modern = await ScriptedUpstream.StartAsync(Speech.Modern);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url), GatewayProcess.Entry("modern", modern.Url));
        await gateway.ReadyAsync("up");
        await gateway.ReadyAsync("modern");

        foreach (var (name, server) in new[] { ("up", upstream), ("modern", modern) })
        {
            var reply = await gateway.ModernCallAsync("/mcp", $"{name}__cut");

            reply.ErrorCode.ShouldBe(-32051, reply.ToString());
            reply.ErrorText!.ShouldContain("Outcome unknown");
            server.Runs("cut").ShouldBe(1);
        }
    }

    [Fact]
    public async Task Call_TellsWhatItMet_WhenTheUpstreamRefuses()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url, """, "headers": { "Authorization": "Bearer s3cret-value" }"""));
        await gateway.ReadyAsync("up");
        var session = await gateway.InitializeAsync();
        await gateway.CallAsync(session, "/mcp", "up__echo");

        upstream.Misbehave = (context, message) => OnCall(context, message, 429, "text/plain", "slow down", ("Retry-After", "7"));
        var throttled = await gateway.CallAsync(session, "/mcp", "up__echo");
        throttled.ErrorCode.ShouldBe(-32050, throttled.ToString());
        throttled.Last["error"]!["data"]!["retryAfterSeconds"]!.GetValue<double>().ShouldBe(7);
        throttled.Response.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromSeconds(7));

        upstream.Misbehave = (context, message) => OnCall(context, message, 401, "text/plain", "who are you");
        var unauthorized = await gateway.ModernCallAsync("/mcp", "up__echo");
        unauthorized.Status.ShouldBe(503, "an upstream's 401 is never relayed as the gateway's own");
        unauthorized.ErrorText!.ShouldContain("Set it under \"headers\"");

        upstream.Misbehave = (context, message) => OnCall(context, message, 200, "text/html", "<html>maintenance</html>");
        (await gateway.CallAsync(session, "/mcp", "up__echo")).ErrorCode.ShouldBe(-32051);

        upstream.Misbehave = (context, message) => OnCall(context, message, 302, "text/plain", "", ("Location", "http://127.0.0.1:1/"));
        (await gateway.CallAsync(session, "/mcp", "up__echo")).ErrorText!.ShouldContain("HTTP 302");

        upstream.Misbehave = (context, message) => OnCall(context, message, 400, "text/plain", $"bad header {context.Request.Headers.Authorization}");
        var leaky = await gateway.CallAsync(session, "/mcp", "up__echo");
        leaky.ToString().ShouldNotContain("s3cret-value");
        string.Join('\n', gateway.Service.Output).ShouldNotContain("s3cret-value");
    }

    [Fact]
    public async Task DeadUpstream_IsNamedByTheAggregate_FailsFast_AndHarmsNoOther()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        var port = FreePort();
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url), GatewayProcess.Entry("dead", $"http://127.0.0.1:{port}/mcp"));
        await gateway.ReadyAsync("up");
        var session = await gateway.InitializeAsync();
        await Eventually.SeesAsync(() => gateway.ReportAsync("dead"), report => report["state"]!.GetValue<string>() == "down" && report["timeline"]!.AsArray().Count >= 3);

        var list = await gateway.PostAsync("/mcp", """{"jsonrpc":"2.0","id":1,"method":"tools/list"}""", ("Mcp-Session-Id", session));
        list.Last["result"]!["tools"]!.AsArray().ShouldAllBe(tool => tool!["name"]!.GetValue<string>().StartsWith("up__", StringComparison.Ordinal));
        list.Last["result"]!["_meta"]!["mcp-gateway/missing"]![0]!["upstream"]!.GetValue<string>().ShouldBe("dead");
        var reply = await gateway.CallAsync(session, "/mcp", "dead__anything");
        reply.ErrorCode.ShouldBe(-32050, reply.ToString());
        reply.ErrorText!.ShouldContain("cannot be reached");
        reply.Response.Headers.RetryAfter.ShouldNotBeNull();
        (await gateway.CallAsync(session, "/mcp", "up__echo", """{"text":"fine"}""")).Text.ShouldBe("fine");
        (await gateway.ModernCallAsync("/mcp", "dead__anything")).Status.ShouldBe(503);

        // It comes up, and is there without anybody asking.
        await using var risen = await ScriptedUpstream.StartAsync(Speech.Sessions, port);
        await gateway.ReadyAsync("dead");
        (await gateway.CallAsync(session, "/mcp", "dead__echo", """{"text":"risen"}""")).Text.ShouldBe("risen");
    }

    [Fact]
    public async Task UpstreamRestart_IsHealed_BeforeAnybodyCalls()
    {
        var port = FreePort();
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", $"http://127.0.0.1:{port}/sse", """, "type": "sse" """));
        await using (await ScriptedUpstream.StartAsync(Speech.Sse, port)) await gateway.ReadyAsync("up");
        await Eventually.SeesAsync(() => gateway.ReportAsync("up"), report => report["state"]!.GetValue<string>() != "ready");

        await using var again = await ScriptedUpstream.StartAsync(Speech.Sse, port);
        await gateway.ReadyAsync("up");
        var before = again.Count("initialize");
        (await gateway.ModernCallAsync("/mcp", "up__echo", """{"text":"x"}""")).Text.ShouldBe("x");
        before.ShouldBeGreaterThan(0);
    }

    private static async Task<bool> OnCall(HttpContext context, System.Text.Json.Nodes.JsonNode? message, int status, string type, string body, params (string Name, string Value)[] headers)
    {
        if (message?["method"]?.GetValue<string>() != "tools/call") return false;
        context.Response.StatusCode = status;
        context.Response.ContentType = type;
        foreach (var (name, value) in headers) context.Response.Headers[name] = value;
        await context.Response.WriteAsync(body);
        return true;
    }

    /// <summary>A port nobody listens on now; the upstream that is to come up later gets it.</summary>
    private static int FreePort()
    {
        using var socket = new TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        return ((IPEndPoint)socket.LocalEndpoint).Port;
    }
}
