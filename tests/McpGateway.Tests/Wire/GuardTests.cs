using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace McpGateway.Tests.Wire;

/// <summary>One gateway for all tests that only ask how requests are refused.</summary>
public sealed class GuardedGateway : IAsyncLifetime
{
    internal GatewayProcess Gateway { get; private set; } = null!;

    internal ScriptedUpstream Upstream { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        Gateway = await GatewayProcess.StartAsync(new TemporaryDirectory(), ownsDirectory: true, new Dictionary<string, string?> { ["Gateway__MessageLimit"] = "65536" }, GatewayProcess.Entry("up", Upstream.Url, """, "headers": { "X-Key": "s3cret-header" }"""),
            """ "child": { "command": "sh", "args": ["-c", "exit 3", "s3cret-argument"], "env": { "KEY": "s3cret-env" } }""");
        await Gateway.ReadyAsync("up");
    }

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        await Upstream.DisposeAsync();
    }
}

public sealed class GuardTests(GuardedGateway guarded) : IClassFixture<GuardedGateway>
{
    private const string Ping = """{"jsonrpc":"2.0","id":1,"method":"ping"}""";

    private GatewayProcess Gateway => guarded.Gateway;

    [Theory]
    [InlineData("Origin", "https://evil.example")]
    [InlineData("Origin", "null")]
    [InlineData("Host", "evil.example")]
    public async Task Request_OfAForeignPage_IsForbidden(string header, string value)
    {
        using var post = new HttpRequestMessage(HttpMethod.Post, "/mcp") { Content = new StringContent(Ping, Encoding.UTF8, "application/json") };
        post.Headers.TryAddWithoutValidation(header, value);
        (await Gateway.Client.SendAsync(post, TestContext.Current.CancellationToken)).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        using var get = new HttpRequestMessage(HttpMethod.Get, "/upstreams");
        get.Headers.TryAddWithoutValidation(header, value);
        (await Gateway.Client.SendAsync(get, TestContext.Current.CancellationToken)).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task Body_MustBePlainJson_AndNotTooLarge()
    {
        (await StatusAsync(new StringContent(Ping, Encoding.UTF8, "text/plain"))).ShouldBe(415);
        using var packed = new MemoryStream();
        await using (var gzip = new GZipStream(packed, CompressionMode.Compress, leaveOpen: true)) await gzip.WriteAsync(Encoding.UTF8.GetBytes(Ping), TestContext.Current.CancellationToken);
        var content = new ByteArrayContent(packed.ToArray());
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        content.Headers.ContentEncoding.Add("gzip");
        (await StatusAsync(content)).ShouldBe(415);
        var large = await Gateway.PostAsync("/mcp", Ping.Insert(1, $"\"x\":\"{new string('a', 70_000)}\","));
        large.Status.ShouldBe(413);
        large.ErrorText!.ShouldContain("Gateway:MessageLimit");

        async Task<int> StatusAsync(HttpContent body)
        {
            using var post = new HttpRequestMessage(HttpMethod.Post, "/mcp") { Content = body };
            return (int)(await Gateway.Client.SendAsync(post, TestContext.Current.CancellationToken)).StatusCode;
        }
    }

    [Theory]
    [InlineData("""[{"jsonrpc":"2.0","id":1,"method":"ping"}]""", -32600)]
    [InlineData("{", -32700)]
    [InlineData("""{"jsonrpc":"2.0","id":null,"method":"ping"}""", -32600)]
    public async Task Message_ThatIsNone_Gets400WithAJsonRpcError(string body, int code)
    {
        var reply = await Gateway.PostAsync("/mcp", body);
        (reply.Status, reply.ErrorCode).ShouldBe((400, code));
    }

    [Theory]
    [InlineData("2026-07-28", "tools/call", null, -32020, 400)]
    [InlineData("2026-07-28", "tools/call", "up__other", -32020, 400)]
    [InlineData("2026-07-28", "tools/list", "up__echo", -32020, 400)]
    [InlineData("2026-07-28", "tools/call", "=?base64?=", -32020, 400)]
    [InlineData("2025-11-25", "tools/call", "up__echo", -32020, 400)]
    [InlineData(null, "tools/call", "up__echo", -32020, 400)]
    public async Task ModernRequest_WithHeadersThatSayAnotherThing_IsRefused(string? version, string method, string? name, int code, int status)
    {
        var headers = new List<(string, string)> { ("Mcp-Method", method) };
        if (version is not null) headers.Add(("MCP-Protocol-Version", version));
        if (name is not null) headers.Add(("Mcp-Name", name));

        var reply = await Gateway.PostAsync("/mcp", Modern("tools/call", "\"name\":\"up__echo\",\"arguments\":{},"), [.. headers]);

        (reply.Status, reply.ErrorCode).ShouldBe((status, code), reply.ToString());
    }

    [Fact]
    public async Task ModernRequest_WithoutEnvelopeOrOfAnUnknownVersion_IsToldWhatIsSpoken()
    {
        var bare = await Gateway.PostAsync("/mcp", """{"jsonrpc":"2.0","id":1,"method":"tools/list"}""", ("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/list"));
        bare.Status.ShouldBe(400);
        var unknown = await Gateway.PostAsync("/mcp", Modern("tools/list").Replace("2026-07-28", "2099-01-01", StringComparison.Ordinal), ("MCP-Protocol-Version", "2099-01-01"), ("Mcp-Method", "tools/list"));
        (unknown.Status, unknown.ErrorCode).ShouldBe((400, -32022));
        unknown.Last["error"]!["data"]!["supported"]!.AsArray().Select(version => version!.GetValue<string>()).ShouldContain("2026-07-28");
        (await Gateway.PostAsync("/mcp", Ping, ("Mcp-Session-Id", await Gateway.InitializeAsync()), ("MCP-Protocol-Version", "1999-01-01"))).Status.ShouldBe(400);
    }

    [Theory]
    [InlineData("initialize")]
    [InlineData("ping")]
    [InlineData("logging/setLevel")]
    [InlineData("resources/subscribe")]
    [InlineData("no/such")]
    public async Task ModernRequest_OfARemovedMethod_IsNotFound(string method)
    {
        foreach (var path in method == "no/such" ? ["/mcp"] : new[] { "/mcp", "/mcp/up" })
        {
            var reply = await Gateway.PostAsync(path, Modern(method), ("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", method));
            (reply.Status, reply.ErrorCode).ShouldBe((404, -32601), reply.ToString());
        }
    }

    [Fact]
    public async Task Method_EscapedAsSomeLanguagesDo_IsTheSameMethod()
    {
        var reply = await Gateway.PostAsync("/mcp", Modern("""tools\/call""", "\"name\":\"up__echo\",\"arguments\":{\"text\":\"php\"},"), ("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/call"), ("Mcp-Name", "up__echo"));

        reply.Text.ShouldBe("php", reply.ToString());
    }

    [Fact]
    public async Task Name_ThatIsNoText_IsInvalidAndHarmsNothing()
    {
        var session = await Gateway.InitializeAsync();

        var reply = await Gateway.PostAsync("/mcp", """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\ud800"}}""", ("Mcp-Session-Id", session));

        reply.ErrorCode.ShouldBe(-32602, reply.ToString());
    }

    [Theory]
    [InlineData(""", "params": {"protocolVersion":5,"capabilities":{}}""")]
    [InlineData(""", "params": {"protocolVersion":null,"capabilities":{}}""")]
    [InlineData(""", "params": {"protocolVersion":"","capabilities":{}}""")]
    [InlineData(""", "params": {"capabilities":{}}""")]
    [InlineData("")]
    public async Task Initialize_IsInvalid_WhenItNamesNoVersion(string parameters)
    {
        var reply = await Gateway.PostAsync("/mcp", $"{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\"{parameters}}}");

        reply.ErrorCode.ShouldBe(-32602, reply.ToString());
        reply.ErrorText!.ShouldContain("params.protocolVersion must be a string");
        reply.Response.Headers.Contains("Mcp-Session-Id").ShouldBeFalse();
    }

    [Fact]
    public async Task ModernCall_IsInvalid_WhenItsNameIsANumber()
    {
        var reply = await Gateway.PostAsync("/mcp", Modern("tools/call", "\"name\":5,\"arguments\":{},"), ("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/call"), ("Mcp-Name", "5"));

        (reply.Status, reply.ErrorCode).ShouldBe((400, -32602), reply.ToString());
        reply.ErrorText!.ShouldContain("params.name must be a string");
    }

    [Fact]
    public async Task Affinity_ThatIsTooLong_IsRefused_NotIgnored() =>
        (await Gateway.ModernCallAsync("/mcp", "up__echo", affinity: new string('a', 257))).Status.ShouldBe(400);

    [Fact]
    public async Task Operators_SeeStatesAndReasons_AndNoSecret()
    {
        var child = await Eventually.SeesAsync(() => Gateway.ReportAsync("child"), report => report["state"]!.GetValue<string>() == "down");
        child["summary"]!.GetValue<string>().ShouldContain("exit code 3");
        child["next_attempt_at"].ShouldNotBeNull();
        child["timeline"]!.AsArray().ShouldNotBeEmpty();
        var all = await Gateway.Client.GetStringAsync(new Uri("/upstreams", UriKind.Relative), TestContext.Current.CancellationToken);
        all.ShouldContain("\"ready\"");

        string.Join('\n', [all, child.ToJsonString(), (await Gateway.ReportAsync("up")).ToJsonString(), .. Gateway.Service.Output]).ShouldNotContain("s3cret");
        (await Gateway.Client.GetAsync(new Uri("/upstreams/nobody", UriKind.Relative), TestContext.Current.CancellationToken)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Gateway_DoesNotStart_OnAnAddressOthersReach()
    {
        using var directory = new TemporaryDirectory();
        await using var process = ServiceProcess.Launch("McpGateway", "http://0.0.0.0:0", ["--Storage:Directory", directory.FullPath]);

        (await process.WaitForExitAsync()).ShouldNotBe(0);
        string.Join('\n', process.Output).ShouldContain("loopback");
    }

    [Fact]
    public async Task Gateway_NamesAllErrorsAtOnce_WhenItCannotStart()
    {
        using var directory = new TemporaryDirectory();
        directory.Write("mcp.json", """{ "mcpServers": { "a__b": { "command": "x" }, "c": { "url": "ftp://x" } } }""");
        await using var process = ServiceProcess.Launch("McpGateway", "http://127.0.0.1:0", ["--Storage:Directory", directory.FullPath, "--Gateway:ConfigFile", directory.PathOf("mcp.json"), "--Gateway:MaxSessions", "0", "--Gateway:DrainTimeout", "20s"]);

        (await process.WaitForExitAsync()).ShouldBe(1);
        var output = string.Join('\n', process.Output);
        output.ShouldContain("Gateway:MaxSessions is 0");
        output.ShouldContain("Gateway:DrainTimeout is '20s'; it must be hh:mm:ss");
        output.ShouldContain("a__b: the name must be");
        output.ShouldContain("c: \"url\" must be an absolute");
    }

    [Fact]
    public async Task Gateway_NamesAStorageDirectoryItCannotWrite_BesideWhatElseIsWrong()
    {
        using var directory = new TemporaryDirectory();
        directory.Write("file", "");
        await using var process = ServiceProcess.Launch("McpGateway", "http://127.0.0.1:0", ["--Storage:Directory", directory.PathOf("file/data"), "--Gateway:MaxSessions", "0"]);

        (await process.WaitForExitAsync()).ShouldBe(1);
        var output = string.Join('\n', process.Output);
        output.ShouldContain("Gateway:MaxSessions is 0");
        output.ShouldContain($"Storage:Directory '{directory.PathOf("file/data")}' cannot be written");
        output.ShouldNotContain("Unhandled exception");
    }

    private static string Modern(string method, string parameters = "") =>
        $"{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{method}\",\"params\":{{{parameters}\"_meta\":{{{GatewayProcess.Envelope}}}}}}}";
}
