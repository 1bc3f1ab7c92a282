using System.Text.Json.Nodes;
using McpGateway.Tests.Wire;

namespace McpGateway.Bridge.Tests;

/// <summary>Servers that do not speak quite as the revisions say.</summary>
public sealed class VersionTests
{
    /// <summary>The ways in which servers of the older kind say no to the question of the new one.</summary>
    public enum No
    {
        NotFound,
        NotFoundInText,
        BadRequest,
        MethodNotAllowed,
        MethodNotFound,
        EmptyObject,
        EmptyResult,
        OldVersionsOnly,
        HangUp,
        Html,
    }

    public static TheoryData<No> Nos => [.. Enum.GetValues<No>()];

    [Theory]
    [MemberData(nameof(Nos))]
    public async Task Upstream_IsServed_HoweverItRefusesTheProbe(No no)
    {
        await using var upstream = await OddUpstream.StartAsync();
        upstream.Answer = async (context, message) =>
        {
            if (message["method"]?.GetValue<string>() != "server/discover") return false;
            await (no switch
            {
                No.NotFound => OddUpstream.WriteAsync(context, 404, ""),
                No.NotFoundInText => OddUpstream.WriteAsync(context, 404, "Cannot POST /mcp", "text/plain"),
                No.BadRequest => OddUpstream.ErrorAsync(context, message, 400, -32000),
                No.MethodNotAllowed => OddUpstream.WriteAsync(context, 405, ""),
                No.MethodNotFound => OddUpstream.ErrorAsync(context, message, 200, -32601),
                No.EmptyObject => OddUpstream.WriteAsync(context, 200, "{}"),
                No.EmptyResult => OddUpstream.ResultAsync(context, message, "{}"),
                No.OldVersionsOnly => OddUpstream.ErrorAsync(context, message, 400, -32022, """{"supported":["2025-06-18"],"requested":"2026-07-28"}"""),
                No.Html => OddUpstream.WriteAsync(context, 200, "<html></html>", "text/html"),
                _ => HangUpAsync(context),
            });
            return true;
        };
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));

        var report = await gateway.ReadyAsync("up");

        report["era"]!.GetValue<string>().ShouldBe("legacy");
        (await gateway.ModernCallAsync("/mcp/up", "echo")).Text.ShouldBe("on");
        upstream.Count("server/discover").ShouldBe(1);

        static Task HangUpAsync(Microsoft.AspNetCore.Http.HttpContext context)
        {
            context.Abort();
            return Task.CompletedTask;
        }
    }

    [Theory]
    [InlineData("2025-06-18")]
    [InlineData("2025-03-26")]
    [InlineData("2024-11-05")]
    public async Task Upstream_IsServed_WhenItAnswersAnotherVersionThanAsked(string version)
    {
        await using var upstream = await OddUpstream.StartAsync();
        upstream.Version = version;
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));

        var report = await gateway.ReadyAsync("up");

        report["version"]!.GetValue<string>().ShouldBe(version);
        upstream.Of("initialize")[0]["params"]!["protocolVersion"]!.GetValue<string>().ShouldBe("2025-11-25");
        var client = await OldClient.ConnectAsync(gateway.Client, "/mcp/up", []);
        (await client.CallAsync("echo")).Text.ShouldBe("on");
        (await gateway.ModernCallAsync("/mcp/up", "echo")).Text.ShouldBe("on");
    }

    [Fact]
    public async Task Upstream_IsExplained_WhenItAnswersAVersionThatNobodyKnows()
    {
        await using var upstream = await OddUpstream.StartAsync();
        upstream.Version = "1999-01-01";
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url, ", \"type\": \"http\""));

        var report = await Eventually.SeesAsync(() => gateway.ReportAsync("up"), seen => seen["state"]!.GetValue<string>() == "down");

        report["summary"]!.GetValue<string>().ShouldContain("1999-01-01");
    }

    /// <summary>A process that leaves over the question is asked the old way, in another process.</summary>
    [Fact]
    public async Task Process_IsServed_WhenItExitsOnTheProbe()
    {
        const string Script = """
            while read -r line; do
              id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
              case "$line" in
                *'"server/discover"'*) exit 3 ;;
                *'"initialize"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"sh","version":"1"}}}\n' "$id" ;;
                *'"tools/list"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"tools":[{"name":"t","inputSchema":{"type":"object"}}]}}\n' "$id" ;;
                *'"tools/call"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"on"}]}}\n' "$id" ;;
                *'"id"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{}}\n' "$id" ;;
              esac
            done
            """;
        await using var gateway = await GatewayProcess.StartAsync(new JsonObject { ["sh"] = new JsonObject { ["command"] = "sh", ["args"] = new JsonArray("-c", Script) } }.ToJsonString()[1..^1]);

        await gateway.ReadyAsync("sh");

        (await gateway.ModernCallAsync("/mcp/sh", "t")).Text.ShouldBe("on");
        var report = await gateway.ReportAsync("sh");
        report["version"]!.GetValue<string>().ShouldBe("2025-06-18");
    }

    /// <summary>What was found out once holds until it does not: a server that is replaced by an older one is asked anew.</summary>
    [Fact]
    public async Task Era_IsFoundOutAnew_WhenItStopsHolding()
    {
        var isModern = true;
        await using var upstream = await OddUpstream.StartAsync();
        upstream.Answer = async (context, message) =>
        {
            if (!isModern) return false;
            var method = message["method"]!.GetValue<string>();
            if (method == "server/discover") await OddUpstream.ResultAsync(context, message, """{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}}""");
            else if (method == "initialize") await OddUpstream.ErrorAsync(context, message, 404, -32601);
            else return false;
            return true;
        };
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        (await gateway.ReadyAsync("up"))["era"]!.GetValue<string>().ShouldBe("modern");
        (await gateway.ModernCallAsync("/mcp/up", "echo")).Text.ShouldBe("on");

        isModern = false;
        upstream.Answer = async (context, message) =>
        {
            if (context.Request.Headers["Mcp-Session-Id"].Count > 0 || message["method"]!.GetValue<string>() == "initialize") return false;
            await OddUpstream.WriteAsync(context, 400, """{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Bad Request: Server not initialized"}}""");
            return true;
        };

        await Eventually.SeesAsync(() => gateway.ModernCallAsync("/mcp/up", "echo"), reply => reply.Text == "on");
        (await gateway.ReportAsync("up"))["era"]!.GetValue<string>().ShouldBe("legacy");
    }
}
