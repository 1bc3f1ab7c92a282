using static FaultyUpstream.UpstreamTransport;

namespace McpGateway.Classifier.Tests;

/// <summary>A caller gives a call up: the upstream hears of it, the lease comes back, and only a session that is the caller's own lives on.</summary>
[Collection(nameof(Peers))]
public sealed class CancelTests(Peers peers)
{
    [Theory]
    [InlineData(StreamableHttp)]
    [InlineData(Sse)]
    [InlineData(Stdio)]
    public async Task Cancel_ReachesTheUpstream_AndBurnsASessionThatIsNobodysOwn(UpstreamTransport transport)
    {
        var upstream = Peers.Name(transport);
        await peers.SettleAsync(upstream);
        var (id, heard, before) = (Guid.NewGuid().ToString("N"), peers.Cancellations(transport), await peers.LastClosedAsync(upstream));
        using var giveUp = new CancellationTokenSource();
        var calling = peers.Gateway.ModernCallAsync("/mcp", $"{upstream}__slow", $"{{\"call_id\":\"{id}\"}}", cancellationToken: giveUp.Token);
        await Eventually.HoldsAsync(() => peers.Executions(transport, id) == 1);

        await giveUp.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(calling);
        await Eventually.SeesAsync(() => peers.Cancellations(transport), cancellations => cancellations == heard + 1);
        await Eventually.SeesAsync(() => peers.LastClosedAsync(upstream), closed => closed != before);
        (await peers.Gateway.ReportAsync(upstream))["timeline"]!.ToJsonString().ShouldContain("its call was cancelled");
        await ShouldHaveNoLeaseAsync(upstream);
        peers.Executions(transport, id).ShouldBe(1);
    }

    [Theory]
    [InlineData(StreamableHttp)]
    [InlineData(Sse)]
    [InlineData(Stdio)]
    public async Task Cancel_LeavesAClientItsOwnSession_WithItsState(UpstreamTransport transport)
    {
        var upstream = Peers.Name(transport);
        await peers.SettleAsync(upstream);
        var session = await peers.Gateway.InitializeAsync();
        (await peers.Gateway.CallAsync(session, "/mcp", $"{upstream}__add_to_counter", """{"amount":5}""")).Text.ShouldBe("5");
        var (id, heard) = (Guid.NewGuid().ToString("N"), peers.Cancellations(transport));
        var calling = peers.Gateway.CallAsync(session, "/mcp", $"{upstream}__slow", $"{{\"call_id\":\"{id}\"}}", id: 4711);
        await Eventually.HoldsAsync(() => peers.Executions(transport, id) == 1);
        var pings = Pings(transport);

        await peers.Gateway.PostAsync("/mcp", """{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":4711}}""", ("Mcp-Session-Id", session));

        (await calling).Messages.ShouldBeEmpty("a cancelled call has no answer");
        await Eventually.SeesAsync(() => peers.Cancellations(transport), cancellations => cancellations == heard + 1);
        await ShouldHaveNoLeaseAsync(upstream);
        if (transport != Stdio) Pings(transport).ShouldBe(pings + 1, "the session is looked after before it is used again");
        (await peers.Gateway.CallAsync(session, "/mcp", $"{upstream}__read_counter")).Text.ShouldBe("5");
        peers.Executions(transport, id).ShouldBe(1);
        await peers.EndAsync(session);
    }

    private int Pings(UpstreamTransport transport) => transport == Stdio ? 0 : peers.Host(transport).Control.Read().Counters.Requests.GetValueOrDefault("ping");

    private Task<System.Text.Json.Nodes.JsonNode> ShouldHaveNoLeaseAsync(string upstream) =>
        Eventually.SeesAsync(() => peers.Gateway.ReportAsync(upstream), report => report["pool"]!["leased"]!.GetValue<int>() == 0);
}
