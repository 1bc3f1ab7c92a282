using System.Text;
using McpGateway.Calls;
using McpGateway.Calls.Inputs;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Tests.Sessions;
using Microsoft.Extensions.Logging.Abstractions;

namespace McpGateway.Tests.Calls;

public sealed class ParkingLotTests : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    private readonly TestPool _test = new(new PoolOptions { MinIdle = 0, Max = 64 }) { Opens = true };
    private readonly ParkingLot _lot;

    public ParkingLotTests() => _lot = new ParkingLot(_test.Clock, NullLogger<ParkingLot>.Instance);

    public async ValueTask DisposeAsync()
    {
        await _lot.DisposeAsync();
        await _test.DisposeAsync();
    }

    [Fact]
    public async Task Call_IsGivenUp_AtTheEndOfItsPatience_AndNotBefore()
    {
        var session = await ParkAsync("a", questions: ["elicitation/create", "sampling/createMessage"]);
        _test.Clock.Advance(s_patience - TimeSpan.FromTicks(1));
        session.State.ShouldBe(SessionState.Parked);
        TestPool.LinkOf(session).Said.ShouldBeEmpty();

        _test.Clock.Advance(TimeSpan.FromTicks(1));

        await Eventually.HoldsAsync(() => session.State == SessionState.Closed);
        session.CloseCode.ShouldBe("not_answered");
        var said = TestPool.LinkOf(session).Said.ToArray();
        said.Length.ShouldBe(2);
        said[0].ShouldContain("""{"action":"cancel"}""");
        said[1].ShouldContain("The client did not answer in time.");
        _lot.Take("a").ShouldBeNull();
        _test.Pool.Counts.Total.ShouldBe(0);
    }

    [Fact]
    public async Task Call_IsGivenUp_WhenItsUpstreamLeaves_AndSoIsOneThatComesAfter()
    {
        using var leaving = new CancellationTokenSource();
        var session = await ParkAsync("a", questions: ["elicitation/create"], left: leaving.Token);
        var taken = await ParkAsync("b", left: leaving.Token);
        var call = _lot.Take("b").ShouldNotBeNull();

        await leaving.CancelAsync();
        var late = await ParkAsync("c", questions: ["elicitation/create"], left: leaving.Token);

        foreach (var given in new[] { session, late })
        {
            await Eventually.HoldsAsync(() => given.State == SessionState.Closed);
            given.CloseCode.ShouldBe("shutdown");
            TestPool.LinkOf(given).Said.ShouldHaveSingleItem().ShouldContain("""{"action":"cancel"}""");
        }

        taken.State.ShouldBe(SessionState.Leased);
        await call.Lease.DisposeAsync();
        _lot.Count.ShouldBe(0);
    }

    [Fact]
    public async Task Call_IsGivenUp_WhenItComesAfterTheGatewaysEnd()
    {
        await _lot.GiveUpAllAsync();

        var session = await ParkAsync("a", questions: ["elicitation/create"]);

        await Eventually.HoldsAsync(() => session.State == SessionState.Closed);
        _lot.Count.ShouldBe(0);
    }

    /// <summary>The keeper names leases that outlive every call; the time a call waits for its client is no call's.</summary>
    [Fact]
    public async Task Lease_IsNotForgotten_WhileItsCallWaits_NorForTheTimeItHasWaited()
    {
        await ParkAsync("a");
        _test.Clock.Advance(s_patience - TimeSpan.FromSeconds(1));
        (await ForgottenAsync()).ShouldBe(0);
        var call = _lot.Take("a").ShouldNotBeNull();
        _test.Clock.Advance(TimeSpan.FromSeconds(30));
        (await ForgottenAsync()).ShouldBe(0);

        _test.Clock.Advance(new PoolOptions().CallTimeout + TimeSpan.FromSeconds(1));

        (await ForgottenAsync()).ShouldBe(1);
        await call.Lease.DisposeAsync();
    }

    [Fact]
    public async Task Call_IsTakenOnce_AndItsTimeIsOver()
    {
        var session = await ParkAsync("a", questions: ["elicitation/create"]);

        var call = _lot.Take("a").ShouldNotBeNull();

        _lot.Take("a").ShouldBeNull();
        _test.Clock.Advance(s_patience * 2);
        session.State.ShouldBe(SessionState.Leased);
        TestPool.LinkOf(session).Said.ShouldBeEmpty();
        await call.Exchange!.DisposeAsync();
        await call.Lease.DisposeAsync();
        session.State.ShouldBe(SessionState.Idle);
    }

    [Fact]
    public async Task OneMoreThanMayWait_TakesThePlaceOfTheOldest()
    {
        var sessions = new[] { await ParkAsync("1", most: 2), await ParkAsync("2", most: 2), await ParkAsync("3", most: 2, questions: ["elicitation/create"]), await ParkAsync("4", most: 2) };

        _lot.Count.ShouldBe(2);
        _lot.Take("1").ShouldBeNull();
        _lot.Take("2").ShouldBeNull();
        // Nothing was under way on their sessions: they go on to the next.
        sessions.Take(2).ShouldAllBe(session => session.State == SessionState.Idle || session.State == SessionState.Parked);
        await ParkAsync("5", most: 2);

        await Eventually.HoldsAsync(() => sessions[2].State == SessionState.Closed);
        sessions[2].CloseCode.ShouldBe("too_many_parked");
        TestPool.LinkOf(sessions[2]).Said.ShouldHaveSingleItem().ShouldContain("""{"action":"cancel"}""");
        await ReleaseAsync("4", "5");
    }

    [Fact]
    public async Task OtherUpstreams_HaveRoomOfTheirOwn()
    {
        await ParkAsync("1", most: 1);
        await ParkAsync("2", most: 1, upstream: "other");

        await ReleaseAsync("1", "2");
    }

    /// <summary>Who abandons many calls loses his own.</summary>
    [Fact]
    public async Task PrincipalWithTheMost_IsTheOneThatLosesACall()
    {
        await ParkAsync("b1", most: 3, principal: "b");
        await ParkAsync("a1", most: 3, principal: "a");
        await ParkAsync("a2", most: 3, principal: "a");

        await ParkAsync("a3", most: 3, principal: "a");
        _lot.Take("a1").ShouldBeNull();
        await ParkAsync("b2", most: 3, principal: "b");
        _lot.Take("b1").ShouldBeNull("with the newcomer both have two, and this is the oldest");

        await ReleaseAsync("a2", "a3", "b2");
    }

    [Fact]
    public async Task Limit_Holds_AndEachCallEndsOnce_HoweverManyComeAndGoAtOnce()
    {
        const int Calls = 400;
        var taken = 0;
        var most = 0;

        await Parallel.ForAsync(0, Calls, async (number, _) =>
        {
            await ParkAsync($"{number}", most: 8, principal: $"{number % 3}", left: CancellationToken.None);
            InterlockedMax(ref most, _lot.Count);
            if (number % 2 == 0 && _lot.Take($"{number - 2}") is { } call)
            {
                Interlocked.Increment(ref taken);
                await call.Lease.DisposeAsync();
            }
        });
        await _lot.GiveUpAllAsync();

        most.ShouldBeLessThanOrEqualTo(8);
        taken.ShouldBeInRange(0, Calls / 2);
        _lot.Count.ShouldBe(0);
        // A lease that was returned twice, or never, would show here.
        await Eventually.HoldsAsync(() => _test.Pool.Counts.Leased == 0 && _test.Pool.Counts.Parked == 0);
        _test.Sessions.ShouldAllBe(session => session.Leases == 0);
    }

    private static void InterlockedMax(ref int most, int seen)
    {
        for (var before = Volatile.Read(ref most); seen > before && Interlocked.CompareExchange(ref most, seen, before) != before; before = Volatile.Read(ref most)) ;
    }

    private async Task<int> ForgottenAsync()
    {
        await _test.Pool.SweepAsync(TestContext.Current.CancellationToken);
        return _test.Timeline.Read().Count(step => step.What == "lease not returned");
    }

    private async Task ReleaseAsync(params string[] ids)
    {
        foreach (var id in ids) await _lot.Take(id).ShouldNotBeNull(id).Lease.DisposeAsync();
    }

    /// <summary>Parks a call; one without questions is none that the upstream waits with.</summary>
    private async Task<UpstreamSession> ParkAsync(string id, int most = 8, string principal = "me", string upstream = "up", string[]? questions = null, CancellationToken left = default)
    {
        var lease = await _test.LeaseAsync(new SessionKey(principal, null));
        var exchange = questions is null ? null : new CallExchange(lease.Session, _test.Clock);
        foreach (var (number, method) in (questions ?? []).Index())
        {
            var question = UpstreamMessage.Scan(MessageBuffer.CopyOf(Encoding.UTF8.GetBytes($$$"""{"jsonrpc":"2.0","id":{{{number}}},"method":"{{{method}}}","params":{}}""")));
            exchange!.Ask().Keep(new ServerQuestion(lease.Session.Link, question));
        }

        _lot.Add(id, new ParkedCall(exchange, lease, new ParkLimits(upstream, principal, s_patience, most) { Left = left }));
        return lease.Session;
    }
}
