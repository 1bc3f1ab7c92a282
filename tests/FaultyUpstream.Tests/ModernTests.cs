using System.Net.ServerSentEvents;
using FaultyUpstream.Tests.Wire;

namespace FaultyUpstream.Tests;

/// <summary>Revision 2026-07-28 by hand.</summary>
public sealed class ModernTests
{
    private const string Envelope = """
        "_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}
        """;

    [Fact]
    public async Task Discover_NamesTheVersions()
    {
        await using var connection = await ConnectAsync(UpstreamEra.Both);

        using var response = await PostAsync(connection, 1, "server/discover");

        var answer = await HttpConnection.TellOfAsync(response);
        answer.ShouldContain("\"supportedVersions\":[\"2026-07-28\",\"2025-11-25\"");
        answer.ShouldContain("\"resultType\":\"complete\"");
        response.Headers.Contains("Mcp-Session-Id").ShouldBeFalse();
    }

    [Fact]
    public async Task Initialize_IsNotSpoken_ByAModernServer()
    {
        await using var connection = await ConnectAsync(UpstreamEra.Modern);

        (await connection.AskAsync(Messages.Initialize())).ShouldBe(
            """400 application/json {"jsonrpc":"2.0","id":0,"error":{"code":-32022,"message":"Unsupported protocol version: 2025-11-25","data":{"supported":["2026-07-28"],"requested":"2025-11-25"}}}""");
    }

    [Fact]
    public async Task MirroredHeader_MustAgree()
    {
        await using var connection = await ConnectAsync(UpstreamEra.Modern);
        var call = Messages.Request(1, "tools/call", $$"""{"name":"echo","arguments":{"text":"x"},{{Envelope}}}""");

        using var response = await connection.PostAsync(call, default, ("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/call"), ("Mcp-Name", "other"));

        (await HttpConnection.TellOfAsync(response)).ShouldStartWith("400 application/json {\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32020");
    }

    [Fact]
    public async Task RemovedMethod_Is404()
    {
        await using var connection = await ConnectAsync(UpstreamEra.Modern);

        using var response = await PostAsync(connection, 1, "ping");

        (await HttpConnection.TellOfAsync(response)).ShouldBe($"404 application/json {Messages.ErrorOf("1", -32601, "Method not found: ping")}");
    }

    [Fact]
    public async Task ClosedStream_CancelsTheCall()
    {
        await using var connection = await ConnectAsync(UpstreamEra.Modern);
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var call = Messages.Request(5, "tools/call", $$"""{"name":"slow","arguments":{},{{Envelope}}}""");
        var slow = connection.PostAsync(call, leave.Token, ("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/call"), ("Mcp-Name", "slow"));
        await Eventually.HoldsAsync(() => connection.Control.Read().Counters.CallsRunning == 1);

        await leave.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(slow);
        var counters = await Eventually.SeesAsync(() => connection.Control.Read().Counters, counters => counters.Cancellations.Count == 1);
        counters.Cancellations[0].RequestId!.ToJsonString().ShouldBe("5");
        counters.CallsRunning.ShouldBe(0);
    }

    [Fact]
    public async Task Listen_IsAcknowledged_AndHearsOfChanges()
    {
        await using var connection = await ConnectAsync(UpstreamEra.Modern);
        using var response = await PostAsync(connection, 3, "subscriptions/listen", "\"notifications\":{\"toolsListChanged\":true},");
        await using var events = SseParser.Create(await response.Content.ReadAsStreamAsync()).EnumerateAsync().GetAsyncEnumerator();

        (await events.MoveNextAsync()).ShouldBeTrue();
        events.Current.Data.ShouldBe("""{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/subscriptionId":3}}}""");
        await Eventually.SeesAsync(() => connection.Control.ChangeListAsync(), notified => notified == 1);

        (await events.MoveNextAsync()).ShouldBeTrue();
        events.Current.Data.ShouldBe("""{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":3}}}""");
    }

    private static async Task<HttpConnection> ConnectAsync(UpstreamEra era) =>
        (HttpConnection)await Connection.ConnectAsync(UpstreamTransport.StreamableHttp, new FaultyUpstreamOptions { Era = era });

    private static Task<HttpResponseMessage> PostAsync(HttpConnection connection, int id, string method, string parameters = "") =>
        connection.PostAsync(Messages.Request(id, method, $$"""{{{parameters}}{{Envelope}}}"""), default, ("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", method));
}
