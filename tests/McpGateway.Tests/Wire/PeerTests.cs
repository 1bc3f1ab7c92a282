using System.Text.Json;
using System.Text.Json.Nodes;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace McpGateway.Tests.Wire;

/// <summary>Clients and servers other people wrote.</summary>
public sealed class PeerTests
{
    [Theory]
    [InlineData("/mcp", "up__progress")]
    [InlineData("/mcp/up", "progress")]
    public async Task TypeScriptClient_MeetsNo400(string path, string tool)
    {
        NpmPeers.Require();
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");

        var (exitCode, output) = await NodeProcess.RunAsync("sdk-client.mjs", [new Uri(gateway.Service.BaseAddress, path).ToString(), tool, "{}"]);

        exitCode.ShouldBe(0, string.Join('\n', output));
        var seen = JsonNode.Parse(output[^1])!;
        seen["statuses"]!.AsArray().Select(status => status!.GetValue<string>()).ShouldAllBe(status => !status.StartsWith("POST 4", StringComparison.Ordinal));
        seen["tools"]!.AsArray().Select(name => name!.GetValue<string>()).ShouldContain(tool);
        seen["progress"]!.AsArray().Select(progress => progress!.GetValue<int>()).ShouldBe([1, 2, 3]);
        seen["result"]!["content"]![0]!["text"]!.GetValue<string>().ShouldBe("done");
    }

    [Theory]
    [InlineData("http", "/mcp")]
    [InlineData("http", "/mcp/up")]
    [InlineData("sse", "/mcp/sse")]
    [InlineData("sse", "/sse")]
    public async Task TypeScriptClient_IsToldOfChangedTools(string kind, string path)
    {
        NpmPeers.Require();
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        await using var client = await NodeProcess.StartAsync("listening-client.mjs", [kind, new Uri(gateway.Service.BaseAddress, path).ToString()], isReady: line => line == "ready");

        await Streams.ListeningTests.ChangeToolsAsync(gateway, upstream);

        (await client.Process.WaitForExitAsync()).ShouldBe(0, string.Join('\n', client.Process.Output));
        var seen = JsonNode.Parse(client.Process.Output[^1])!;
        (seen["after"]!.GetValue<int>() - seen["before"]!.GetValue<int>()).ShouldBe(1);
        seen["capability"]!["listChanged"]!.GetValue<bool>().ShouldBeTrue();
        seen["errors"]!.AsArray().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("/mcp", "up__echo", Speech.Sessions)]
    [InlineData("/mcp/up", "echo", Speech.Sessions)]
    [InlineData("/mcp/up", "echo", Speech.Modern)]
    public async Task CSharpClient_WithItsDefaults_MeetsNo400(string path, string tool, object speech)
    {
        await using var upstream = await ScriptedUpstream.StartAsync((Speech)speech);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        using var statuses = new StatusRecorder();
        using var http = new HttpClient(statuses);

        await using (var client = await McpClient.CreateAsync(
            new HttpClientTransport(new HttpClientTransportOptions { Endpoint = new Uri(gateway.Service.BaseAddress, path) }, http), cancellationToken: TestContext.Current.CancellationToken))
        {
            (await client.ListToolsAsync(cancellationToken: TestContext.Current.CancellationToken)).Select(known => known.Name).ShouldContain(tool);
            var result = await client.CallToolAsync(tool, new Dictionary<string, object?> { ["text"] = "hi" }, cancellationToken: TestContext.Current.CancellationToken);
            result.Content.OfType<TextContentBlock>().Single().Text.ShouldBe("hi");
        }

        statuses.Seen.ShouldNotBeEmpty();
        statuses.Seen.ShouldAllBe(status => status < 400);
    }

    [Theory]
    [InlineData("stdio")]
    [InlineData("streamableHttp")]
    [InlineData("sse")]
    public async Task ServerEverything_IsServed_OverEachTransport(string transport)
    {
        NpmPeers.Require();
        await using var server = transport == "stdio" ? null : await NodeProcess.StartAsync("everything.mjs", [transport], isReady: line => line.StartsWith("listening on ", StringComparison.Ordinal));
        var entry = server is null
            ? $"\"up\": {new JsonObject { ["command"] = Requires.Node(), ["args"] = new JsonArray(NpmPeers.FileOf("@modelcontextprotocol/server-everything", "dist/index.js"), "stdio") }.ToJsonString()}"
            : GatewayProcess.Entry("up", $"http://127.0.0.1:{server.ReadyLine.Split(' ')[^1]}/{(transport == "sse" ? "sse" : "mcp")}");
        await using var gateway = await GatewayProcess.StartAsync(entry);
        await gateway.ReadyAsync("up");
        var session = await gateway.InitializeAsync();

        var echo = await gateway.CallAsync(session, "/mcp", "up__echo", """{"message":"hello"}""");
        var modern = await gateway.ModernCallAsync("/mcp/up", "get-sum", """{"a":2,"b":3}""");

        echo.Text!.ShouldContain("hello");
        modern.Text!.ShouldContain("5");
        modern.Last["result"]!["resultType"]!.GetValue<string>().ShouldBe("complete");
        var progress = await gateway.CallAsync(session, "/mcp", "up__trigger-long-running-operation", """{"duration":0.2,"steps":2}""", token: "\"p\"");
        progress.Messages.Count.ShouldBeGreaterThan(1, progress.ToString());
        progress.Messages[0]["params"]!["progressToken"]!.GetValue<string>().ShouldBe("p");
        JsonSerializer.Serialize((await gateway.ReportAsync("up"))["era"]).ShouldBe("\"legacy\"");
    }

    private sealed class StatusRecorder() : DelegatingHandler(new SocketsHttpHandler())
    {
        private readonly List<int> _seen = [];

        public IReadOnlyList<int> Seen
        {
            get
            {
                lock (_seen) return [.. _seen];
            }
        }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var response = await base.SendAsync(request, cancellationToken);
            // The stream outside calls is optional, and 405 is how a server says that it has none.
            if (request.Method == HttpMethod.Get) return response;
            lock (_seen) _seen.Add((int)response.StatusCode);
            return response;
        }
    }
}
