using McpGateway.Tests.Wire;
using static FaultyUpstream.Faults.FaultKind;

namespace McpGateway.Classifier.Tests;

/// <summary>What looks like a lost session and is none: the session stays, and nothing runs twice.</summary>
[Collection(nameof(Peers))]
public sealed class LookAlikeTests(Peers peers)
{
    private static readonly string[] s_calls = ["tools/call"];

    [Theory]
    [InlineData(CloseStream, 1)]
    [InlineData(Cut, 1)]
    public async Task Answer_ThatClosesAfterAnEventId_IsFetchedByGet(FaultKind kind, int variant)
    {
        var (reply, id, closed) = await CallAsync("http", peers.Http, new Fault { Kind = kind, Variant = variant, EventId = true, Times = 1, Methods = s_calls, RetryMs = 50 });

        reply.Text.ShouldBe($"{id} 1", reply.ToString());
        Ran(peers.Http, id).ShouldBe(1);
        closed.ShouldBeNull();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Answer_ThatIsCutWithoutAnEventId_HasAnUnknownOutcome(int variant)
    {
        var (reply, id, _) = await CallAsync("http", peers.Http, new Fault { Kind = Cut, Variant = variant, Times = 1, Methods = s_calls }, "execute_read_only");

        reply.ErrorCode.ShouldBe(-32051, reply.ToString());
        Ran(peers.Http, id).ShouldBe(1, "nobody trusts this upstream");
    }

    [Theory]
    [InlineData("http", Unauthorized, 1, -32050)]
    [InlineData("http", Forbidden, 1, -32050)]
    [InlineData("http", Accepted, 1, -32051)]
    [InlineData("http", Html, 1, -32051)]
    [InlineData("http", Html, 2, -32051)]
    [InlineData("http", Redirect, 1, -32051)]
    [InlineData("sse", Html, 1, -32051)]
    [InlineData("sse", Html, 2, -32051)]
    public async Task Refusal_ThatIsNotOfTheSession_LeavesIt(string upstream, FaultKind kind, int variant, int code)
    {
        var host = upstream == "sse" ? peers.Sse : peers.Http;
        var (reply, id, closed) = await CallAsync(upstream, host, new Fault { Kind = kind, Variant = variant, Times = 1, Methods = s_calls });

        reply.ErrorCode.ShouldBe(code, reply.ToString());
        Ran(host, id).ShouldBe(0);
        closed.ShouldBeNull();
    }

    [Fact]
    public async Task EmptySuccess_PassesThrough_WhenTheSessionLives()
    {
        var (reply, _, closed) = await CallAsync("http", peers.Http, new Fault { Kind = EmptySuccess, Times = 1, Methods = s_calls });

        reply.Last["result"]!["content"]!.AsArray().ShouldBeEmpty();
        closed.ShouldBeNull();
    }

    [Theory]
    [InlineData("http")]
    [InlineData("sse")]
    [InlineData("stdio")]
    public async Task ErrorThatMentionsASession_PassesThrough_WhenTheSessionLives(string upstream)
    {
        await peers.SettleAsync(upstream);
        var before = await peers.LastClosedAsync(upstream);

        var error = await peers.Gateway.ModernCallAsync("/mcp", $"{upstream}__session not found");
        var result = await peers.Gateway.ModernCallAsync("/mcp", $"{upstream}__echo", """{"text":"Session not found"}""");

        error.ErrorCode.ShouldBe(-32602, error.ToString());
        error.ErrorText.ShouldBe("Unknown tool: session not found");
        result.Text.ShouldBe("Session not found");
        (await peers.LastClosedAsync(upstream)).ShouldBe(before);
    }

    [Theory]
    [InlineData("execute_read_only", 2)]
    [InlineData("execute_idempotent", 2)]
    [InlineData("execute_once", 1)]
    public async Task Call_WithUnknownOutcome_IsRepeated_OnlyWhereATrustedUpstreamSaysItMayBe(string tool, int runs)
    {
        var (reply, id, _) = await CallAsync("trusted", peers.Trusted, new Fault { Kind = Cut, Times = 1, Methods = s_calls }, tool);

        if (runs == 2) reply.Text.ShouldBe($"{id} 2", reply.ToString());
        else reply.ErrorCode.ShouldBe(-32051, reply.ToString());
        Ran(peers.Trusted, id).ShouldBe(runs);
    }

    [Fact]
    public async Task ManyCalls_Pass_WhereMostRequestsReachAReplicaThatDoesNotKnowTheSession()
    {
        await peers.SettleAsync("http");
        var before = await peers.LastClosedAsync("http");
        peers.Http.Control.Set(new Fault { Kind = ReplicaRoulette });

        for (var i = 0; i < 20; i++)
        {
            var id = Guid.NewGuid().ToString("N");
            var reply = await peers.Gateway.ModernCallAsync("/mcp", "http__execute_once", $"{{\"call_id\":\"{id}\"}}");
            reply.Text.ShouldBe($"{id} 1", reply.ToString());
        }

        (await peers.LastClosedAsync("http")).ShouldBe(before);
        peers.Http.Control.Read().Counters.FaultsFired[ReplicaRoulette].ShouldBeGreaterThan(20);
        await peers.SettleAsync("http");
    }

    private async Task<(Reply Reply, string Id, string? Closed)> CallAsync(string upstream, FaultyUpstreamHost host, Fault fault, string tool = "execute_once")
    {
        await peers.SettleAsync(upstream);
        var before = await peers.LastClosedAsync(upstream);
        var id = Guid.NewGuid().ToString("N");
        host.Control.Set(fault);
        var reply = await peers.Gateway.ModernCallAsync("/mcp", $"{upstream}__{tool}", $"{{\"call_id\":\"{id}\"}}");
        await peers.SettleAsync(upstream);
        return (reply, id, await peers.LastClosedAsync(upstream) is var last && last != before ? last : null);
    }

    private static int Ran(FaultyUpstreamHost host, string id) => host.Control.Read().Counters.Executions.GetValueOrDefault(id);
}
