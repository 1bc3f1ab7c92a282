using McpGateway.Tests.Wire;
using static FaultyUpstream.Faults.FaultKind;
using static FaultyUpstream.UpstreamTransport;

namespace McpGateway.Classifier.Tests;

/// <summary>What a caller sees of a fault.</summary>
public enum Outcome
{
    /// <summary>The answer, from another session; nothing of the fault.</summary>
    Repeated,

    /// <summary>The answer, from the same session; nothing of the fault.</summary>
    RepeatedThere,

    /// <summary>The error "outcome unknown"; the session is replaced.</summary>
    OutcomeUnknown,

    /// <summary>The error "not available" with the pause the upstream asked for; the session stays.</summary>
    Throttled,
}

/// <summary>The sixteen shapes of a lost session on three transports, through a real gateway. Cells that are not here do not exist.</summary>
[Collection(nameof(Peers))]
public sealed class LostSessionTests(Peers peers)
{
    private static readonly string[] s_calls = ["tools/call"];
    private static readonly string[] s_lists = ["tools/list"];

    public static TheoryData<FaultKind, UpstreamTransport, int, Outcome> Cells()
    {
        var cells = new TheoryData<FaultKind, UpstreamTransport, int, Outcome>();
        UpstreamTransport[] posts = [StreamableHttp, Sse], all = [StreamableHttp, Sse, Stdio], http = [StreamableHttp];
        Add(NoValidSession, posts, 1, Outcome.Repeated);
        Add(UnknownSessionHeader, http, 1, Outcome.Repeated);
        Add(SessionNotFoundBadRequest, posts, 2, Outcome.Repeated);
        Add(SessionNotFound, posts, 1, Outcome.Repeated);
        Add(SessionNotFoundInvalidRequest, posts, 1, Outcome.Repeated);
        Add(BareNotFound, posts, 2, Outcome.Repeated);
        Add(ExpectInitialize, http, 1, Outcome.Repeated);
        Add(SessionUnavailable, posts, 1, Outcome.Repeated);
        Add(ErrorInStream, all, 1, Outcome.OutcomeUnknown);
        Add(EmptySuccess, all, 1, Outcome.OutcomeUnknown);
        Add(BeforeInitialization, all, 2, Outcome.Repeated);
        Add(ReplicaRoulette, posts, 1, Outcome.RepeatedThere);
        Add(RateLimited, posts, 2, Outcome.Throttled);
        Add(SessionTerminated, all, 2, Outcome.OutcomeUnknown);
        Add(NotConnected, all, 2, Outcome.OutcomeUnknown);
        return cells;

        void Add(FaultKind kind, UpstreamTransport[] transports, int variants, Outcome outcome)
        {
            foreach (var transport in transports)
            {
                for (var variant = 1; variant <= variants; variant++) cells.Add(kind, transport, variant, outcome);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public async Task Call_ShowsNoLostSession_AndRunsAtMostOnce(FaultKind kind, UpstreamTransport transport, int variant, Outcome outcome)
    {
        var upstream = Peers.Name(transport);
        await peers.SettleAsync(upstream);
        var before = await peers.LastClosedAsync(upstream);
        await peers.SpoilAsync(transport, new Fault { Kind = kind, Variant = variant, RetryAfterS = kind == RateLimited ? 7 : null });

        var (reply, id) = await CallAsync(upstream);

        var ran = peers.Executions(transport, id);
        ShouldBe(outcome, reply, id, ran);
        await peers.SettleAsync(upstream);
        var sameSession = outcome is Outcome.RepeatedThere or Outcome.Throttled;
        if (sameSession) (await peers.LastClosedAsync(upstream)).ShouldBe(before);
        else await Eventually.SeesAsync(() => peers.LastClosedAsync(upstream), closed => closed != before);
        await ShouldBeHealthyAsync(transport, upstream);
    }

    /// <summary>Everything inside an answer that says the session is lost and may have been said after the tool ran.</summary>
    public static TheoryData<FaultKind, UpstreamTransport> SaidAfterTheRun()
    {
        var cells = new TheoryData<FaultKind, UpstreamTransport>();
        foreach (var kind in new[] { EmptySuccess, NotConnected, ErrorInStream, SessionTerminated })
        {
            foreach (var transport in new[] { StreamableHttp, Sse, Stdio }) cells.Add(kind, transport);
        }

        return cells;
    }

    [Theory]
    [MemberData(nameof(SaidAfterTheRun))]
    public async Task Call_ThatRanBeforeItsSessionWasLost_DoesNotRunAgain(FaultKind kind, UpstreamTransport transport)
    {
        var upstream = Peers.Name(transport);
        await peers.SettleAsync(upstream);
        await peers.SpoilAsync(transport, new Fault { Kind = kind, Executes = true });

        var (reply, id) = await CallAsync(upstream);

        reply.ErrorCode.ShouldBe(-32051, reply.ToString());
        peers.Executions(transport, id).ShouldBe(1);
        await ShouldBeHealthyAsync(transport, upstream);
    }

    [Theory]
    [InlineData(StreamableHttp)]
    [InlineData(Sse)]
    [InlineData(Stdio)]
    public async Task ToolThatAnswersWithTheWordsOfALostSession_IsHeard_AndRunsOnce_WhenTheSessionLives(UpstreamTransport transport)
    {
        var upstream = Peers.Name(transport);
        await peers.SettleAsync(upstream);
        var before = await peers.LastClosedAsync(upstream);
        await peers.SpoilAsync(transport, new Fault { Kind = ErrorInStream, Executes = true, Methods = s_calls });

        var (reply, id) = await CallAsync(upstream);

        reply.ErrorCode.ShouldBe(-32001, reply.ToString());
        reply.ErrorText.ShouldBe("Session not found");
        peers.Executions(transport, id).ShouldBe(1);
        (await peers.LastClosedAsync(upstream)).ShouldBe(before);
        await ShouldBeHealthyAsync(transport, upstream);
    }

    [Theory]
    [InlineData(StreamableHttp, 1)]
    [InlineData(StreamableHttp, 2)]
    [InlineData(Sse, 1)]
    public async Task Upstream_ThatAllowsNoFurtherSession_IsAskedSeldom_AndSaidToBeUnavailable(UpstreamTransport transport, int variant)
    {
        var upstream = Peers.Name(transport);
        await peers.SettleAsync(upstream);
        var control = peers.Host(transport).Control;
        control.ResetCounters();
        control.Set(new Fault { Kind = AlreadyInitialized, Variant = variant });
        control.Drop();

        var (reply, id) = await CallAsync(upstream);

        reply.ErrorCode.ShouldBe(-32050, reply.ToString());
        reply.ErrorText!.ShouldContain("already initialized");
        reply.Response.Headers.RetryAfter.ShouldNotBeNull();
        control.Read().Counters.Requests["initialize"].ShouldBeInRange(1, 12);
        peers.Executions(transport, id).ShouldBe(0);
        await ShouldBeHealthyAsync(transport, upstream);
    }

    [Theory]
    [InlineData(EmptySuccess, "lists no tools")]
    [InlineData(ErrorInStream, "Session not found")]
    public async Task Catalogue_KeepsItsTools_AndTheSessionIsReplaced_WhenALostOneAnswersForThem(FaultKind kind, string reason)
    {
        var upstream = Peers.Name(Sse);
        await peers.SettleAsync(upstream);
        var before = await peers.LastClosedAsync(upstream);
        await peers.SpoilAsync(Sse, new Fault { Kind = kind, Methods = s_lists });

        await peers.Sse.Control.ChangeListAsync();

        await Eventually.SeesAsync(() => peers.LastClosedAsync(upstream), closed => closed != before);
        (await peers.Gateway.ReportAsync(upstream))["timeline"]!.AsArray().ShouldContain(happened => happened!["what"]!.GetValue<string>() == "session closed" && happened["reason"]!.GetValue<string>().Contains(reason));
        (await peers.Gateway.ReportAsync(upstream))["tools"]!.GetValue<int>().ShouldBeGreaterThan(0);
        await ShouldBeHealthyAsync(Sse, upstream);
    }

    private static void ShouldBe(Outcome outcome, Reply reply, string id, int ran)
    {
        switch (outcome)
        {
            case Outcome.OutcomeUnknown:
                reply.ErrorCode.ShouldBe(-32051, reply.ToString());
                reply.ErrorText!.ShouldContain("Outcome unknown");
                ran.ShouldBe(0, "the fault does not execute, and nobody may repeat");
                break;
            case Outcome.Throttled:
                reply.ErrorCode.ShouldBe(-32050, reply.ToString());
                reply.Last["error"]!["data"]!["retryAfterSeconds"]!.GetValue<double>().ShouldBe(7);
                ran.ShouldBe(0);
                break;
            default:
                reply.Text.ShouldBe($"{id} 1", reply.ToString());
                ran.ShouldBe(1);
                break;
        }
    }

    private async Task ShouldBeHealthyAsync(UpstreamTransport transport, string upstream)
    {
        await peers.SettleAsync(upstream);
        var (reply, id) = await CallAsync(upstream);
        reply.Text.ShouldBe($"{id} 1", reply.ToString());
        peers.Executions(transport, id).ShouldBe(1);
    }

    private async Task<(Reply Reply, string Id)> CallAsync(string upstream)
    {
        var id = Guid.NewGuid().ToString("N");
        return (await peers.Gateway.ModernCallAsync("/mcp", $"{upstream}__execute_once", $"{{\"call_id\":\"{id}\"}}"), id);
    }
}
