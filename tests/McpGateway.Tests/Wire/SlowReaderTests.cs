using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace McpGateway.Tests.Wire;

/// <summary>A client that does not read what it has asked for.</summary>
public sealed class SlowReaderTests
{
    /// <summary>More than the buffers of a connection hold.</summary>
    private const int Characters = 12_000_000;

    [Theory]
    [InlineData(Speech.Sessions)]
    [InlineData(Speech.Sse)]
    public async Task Session_IsThereForOthers_WhileAClientDoesNotReadItsAnswer(object speech)
    {
        await using var upstream = await ScriptedUpstream.StartAsync((Speech)speech);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url, ", \"pool\": { \"mode\": \"exclusive\", \"max\": 1, \"acquireTimeout\": \"00:00:20\" }"));
        await gateway.ReadyAsync("up");
        using var client = await AskAndNotReadAsync(gateway);
        await Eventually.SeesAsync(() => Task.FromResult(upstream.Count("tools/call")), calls => calls == 1);

        (await gateway.ModernCallAsync("/mcp/up", "echo", """{"text":"me too"}""")).Text.ShouldBe("me too");

        var pool = (await gateway.ReportAsync("up"))["pool"]!;
        pool["leased"]!.GetValue<int>().ShouldBe(0);
        client.Connected.ShouldBeTrue();
    }

    private static async Task<TcpClient> AskAndNotReadAsync(GatewayProcess gateway)
    {
        var body = $$$"""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"{{{new string('x', Characters)}}}"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"slow","version":"1"},"io.modelcontextprotocol/clientCapabilities":{} } } }""";
        var address = gateway.Client.BaseAddress!;
        var client = new TcpClient { ReceiveBufferSize = 4096 };
        await client.ConnectAsync(address.Host, address.Port, TestContext.Current.CancellationToken);
        var head = string.Create(CultureInfo.InvariantCulture, $"POST /mcp/up HTTP/1.1\r\nHost: {address.Authority}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: echo\r\nContent-Length: {body.Length}\r\n\r\n");
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head + body), TestContext.Current.CancellationToken);
        return client;
    }
}
