using McpGateway.Sessions;

namespace McpGateway.Tests.Sessions;

public sealed class SessionPoolTests
{
    private static readonly PoolOptions s_exclusive = new() { Mode = PoolMode.Exclusive, MinIdle = 0 };

    [Fact]
    public async Task Lease_GivesTheSameSession_ToOneCallerAfterTheOther()
    {
        await using var test = new TestPool(s_exclusive);
        var session = test.Add();

        for (var i = 0; i < 3; i++)
        {
            await using var lease = await test.LeaseAsync();
            lease.Session.ShouldBeSameAs(session);
            test.Pool.Counts.ShouldBe(new PoolCounts(0, 1, 0, 0, 0, 1));
        }

        test.Pool.Counts.ShouldBe(new PoolCounts(1, 0, 0, 0, 0, 1));
    }

    [Fact]
    public async Task Lease_ServesThoseWhoWait_InTheirOrder()
    {
        await using var test = new TestPool(s_exclusive with { Max = 1 });
        test.Add();
        var held = await test.LeaseAsync();
        var order = new List<int>();
        var waiting = Enumerable.Range(0, 5).Select(i => WaitAsync(i)).ToArray();
        test.Pool.Counts.Waiting.ShouldBe(5);

        await held.DisposeAsync();
        await Task.WhenAll(waiting);

        order.ShouldBe([0, 1, 2, 3, 4]);

        async Task WaitAsync(int i)
        {
            await using var lease = await test.LeaseAsync();
            order.Add(i);
        }
    }

    [Fact]
    public async Task Lease_EndsOnce_HoweverOftenItIsDisposed()
    {
        await using var test = new TestPool(s_exclusive);
        var session = test.Add();
        var stale = await test.LeaseAsync();
        var copy = stale;
        await stale.DisposeAsync();
        await stale.DisposeAsync();

        await using var current = await test.LeaseAsync();
        await copy.DisposeAsync();
        await stale.DisposeAsync();

        session.Leases.ShouldBe(1);
        test.Pool.Counts.Idle.ShouldBe(0);
        await default(SessionLease).DisposeAsync();
    }

    [Fact]
    public async Task Lease_ClosesAfterOneCall_InSingleUse()
    {
        await using var test = new TestPool(new PoolOptions { Mode = PoolMode.SingleUse, MinIdle = 1 }) { Opens = true };
        test.Add();

        for (var i = 0; i < 3; i++)
        {
            await using var lease = await test.LeaseAsync();
        }

        test.Sessions.Count(session => session.State == SessionState.Closed).ShouldBe(3);
        test.Sessions.Take(3).ShouldAllBe(session => TestPool.LinkOf(session).Disposals == 1);
        test.Pool.Counts.Idle.ShouldBe(1);
    }

    [Fact]
    public async Task Lease_ClosesASession_ThatHasServedItsMaximumOfCalls_UnlessItIsPinned()
    {
        await using var test = new TestPool(new PoolOptions { MaxUses = 2, MinIdle = 0 }) { Opens = true };
        for (var i = 0; i < 5; i++) await (await test.LeaseAsync()).DisposeAsync();
        test.Sessions.Select(session => session.CloseCode).ShouldBe(["max_uses", "max_uses", null]);

        for (var i = 0; i < 5; i++) await (await test.LeaseAsync(TestPool.Of("a"))).DisposeAsync();

        test.Sessions.Single(session => session.PinnedTo is not null).State.ShouldBe(SessionState.Idle);
    }

    /// <summary>Its handshake would slow down the very call that the session was kept warm for.</summary>
    [Fact]
    public async Task Lease_AsksForASuccessor_AMomentLater_WhenNobodyWaits()
    {
        await using var test = new TestPool(s_exclusive with { MinIdle = 1 });
        test.Add();
        var before = test.Requests;
        await using var lease = await test.LeaseAsync();
        test.Requests.ShouldBe(before);

        test.Clock.Advance(TimeSpan.FromMilliseconds(5));

        test.Requests.ShouldBe(before + 1);
    }

    [Fact]
    public async Task States_AddUpToTheOpenSessions_WhenPinnedOnesAreUnused()
    {
        await using var test = new TestPool(new PoolOptions { MinIdle = 1 }) { Opens = true };
        test.Add();
        foreach (var affinity in new[] { "a", "b" }) await (await test.LeaseAsync(TestPool.Of(affinity))).DisposeAsync();

        await using var one = await test.LeaseAsync(TestPool.Of("a"));
        await using var two = await test.LeaseAsync(TestPool.Of("a"));

        var counts = test.Pool.Counts;
        counts.ByState.ShouldBe((counts.Total - 2, 1, 0, 1));
        counts.Idle.ShouldBe(counts.Total - 2);
        (counts with { Idle = 0, Leased = 7, PinnedUnused = 0, Total = 1 }).ByState.ShouldBe((0, 1, 0, 0), "a shared client has one, however many call");
    }

    [Fact]
    public async Task Lease_KeepsAnAffinityOnItsSession_AndOthersOffIt()
    {
        await using var test = new TestPool(new PoolOptions { MinIdle = 1 }) { Opens = true };
        test.Add();
        var first = await SessionOfAsync(TestPool.Of("a"));
        var second = await SessionOfAsync(TestPool.Of("b", session: true));

        second.ShouldNotBeSameAs(first);
        (await SessionOfAsync(TestPool.Of("a"))).ShouldBeSameAs(first);
        (await SessionOfAsync(TestPool.Of("b", session: true))).ShouldBeSameAs(second);
        (await SessionOfAsync(TestPool.Of("b"))).ShouldNotBeSameAs(second, "an affinity of the same spelling is not that client's session");
        (await SessionOfAsync(TestPool.Alone)).ShouldNotBeSameAs(first);
        test.Pool.Counts.Pinned.ShouldBe(3);

        // Its calls share it.
        await using var one = await test.LeaseAsync(TestPool.Of("a"));
        await using var two = await test.LeaseAsync(TestPool.Of("a"));
        one.Session.ShouldBeSameAs(two.Session);
        first.Leases.ShouldBe(2);

        async Task<UpstreamSession> SessionOfAsync(SessionKey key)
        {
            await using var lease = await test.LeaseAsync(key);
            return lease.Session;
        }
    }

    [Fact]
    public async Task Lease_IsOneForAll_WhenShared()
    {
        await using var test = new TestPool(new PoolOptions { Mode = PoolMode.Shared }) { Opens = true };
        test.Add();

        await using var one = await test.LeaseAsync();
        await using var two = await test.LeaseAsync(TestPool.Of("a"));
        await using var three = await test.LeaseAsync(new SessionKey("somebody else", "s", true));

        one.Session.ShouldBeSameAs(two.Session);
        one.Session.ShouldBeSameAs(three.Session);
        test.Sessions.Count.ShouldBe(1);
    }

    /// <summary>A hung call holds a broken session open; that must not keep the others from a new one.</summary>
    [Fact]
    public async Task Lease_GetsANewSession_WhileACallHoldsTheBrokenSharedOne()
    {
        await using var test = new TestPool(new PoolOptions { Mode = PoolMode.Shared }) { Opens = true };
        test.Add();
        await using var hung = await test.LeaseAsync();
        hung.Break(CloseReason.Broken("lost"));

        await using var next = await test.LeaseAsync();

        next.Session.ShouldNotBeSameAs(hung.Session);
    }

    [Fact]
    public async Task Lease_IsRefused_WhenPinnedAndNobodyKnowsWhoCalls()
    {
        await using var test = new TestPool(new PoolOptions { Mode = PoolMode.Pinned });
        test.Add();

        var refused = await Should.ThrowAsync<UpstreamException>(async () => await test.LeaseAsync());

        refused.ProvablyNotRun.ShouldBeTrue();
        refused.Message.ShouldContain("Mcp-Affinity");
    }

    [Fact]
    public async Task Lease_NeverCrossesPrincipals()
    {
        await using var test = new TestPool(s_exclusive);
        var session = test.Add();
        await (await test.LeaseAsync(new SessionKey("one", null))).DisposeAsync();
        var other = test.LeaseAsync(new SessionKey("two", null));

        other.IsCompleted.ShouldBeFalse();
        session.State.ShouldBe(SessionState.Closed);
        var fresh = test.Add();
        await using var lease = await other;
        lease.Session.ShouldBeSameAs(fresh);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Lease_NeverGivesABrokenSession(bool byLink)
    {
        await using var test = new TestPool(s_exclusive);
        var broken = test.Add();
        var sound = test.Add();
        await using (var lease = await test.LeaseAsync())
        {
            lease.Session.ShouldBeSameAs(broken);
            if (byLink) TestPool.LinkOf(broken).Break("gone");
            else lease.Break(CloseReason.Broken("gone"));
        }

        broken.State.ShouldBe(SessionState.Closed);
        broken.BreakReason.ShouldBe("gone");
        await using var next = await test.LeaseAsync();
        next.Session.ShouldBeSameAs(sound);
        test.Pool.Counts.Total.ShouldBe(1);
    }

    [Fact]
    public async Task Lease_TakesTheLeastRecentlyUsedPin_WhenAtTheMaximum()
    {
        await using var test = new TestPool(new PoolOptions { Max = 2, MinIdle = 0, PinHold = TimeSpan.Zero }) { Opens = true };
        await (await test.LeaseAsync(TestPool.Of("a", session: true))).DisposeAsync();
        test.Clock.Advance(TimeSpan.FromSeconds(1));
        await (await test.LeaseAsync(TestPool.Of("b", session: true))).DisposeAsync();
        test.Clock.Advance(TimeSpan.FromSeconds(1));
        await (await test.LeaseAsync(TestPool.Of("a", session: true))).DisposeAsync();

        await using var lease = await test.LeaseAsync(TestPool.Of("c", session: true));

        test.Evicted.ShouldBe([TestPool.Of("b", session: true)]);
        test.Pool.Counts.Total.ShouldBe(2);
        test.Pool.Counts.Pinned.ShouldBe(2);
    }

    [Fact]
    public async Task Limit_ThatAnUpstreamSet_IsDoubtedAfterAWhile()
    {
        await using var test = new TestPool(s_exclusive with { MinIdle = 2 });
        test.Pool.TryLimit().ShouldBeNull("with no session open it is somebody else's that is in the way");
        test.Add();
        test.Pool.Need.ShouldBe(1);

        test.Pool.TryLimit().ShouldBe(1);

        test.Pool.Need.ShouldBe(0);
        test.Clock.Advance(TimeSpan.FromMinutes(5));
        test.Pool.Need.ShouldBe(1);
    }

    [Fact]
    public async Task Limit_ThatAnUpstreamSet_WakesTheOpener_WhenItIsOver()
    {
        await using var test = new TestPool(s_exclusive with { MinIdle = 2 });
        test.Add();
        test.Pool.TryLimit().ShouldBe(1);
        test.Clock.Advance(TimeSpan.FromMinutes(4));
        // Found again: it holds from now on.
        test.Pool.TryLimit().ShouldBe(1);
        test.Opens = true;
        test.Clock.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromSeconds(1));
        test.Pool.Counts.Total.ShouldBe(1);

        test.Clock.Advance(TimeSpan.FromSeconds(1));

        test.Pool.Counts.Total.ShouldBe(2);
    }

    [Fact]
    public async Task Limit_ThatAnUpstreamSet_EndsWithThePool()
    {
        var test = new TestPool(s_exclusive with { MinIdle = 2 });
        test.Add();
        test.Pool.TryLimit().ShouldBe(1);

        await test.DisposeAsync();

        var requests = test.Requests;
        test.Clock.Advance(TimeSpan.FromMinutes(5));
        test.Requests.ShouldBe(requests);
    }

    [Fact]
    public async Task Lease_OfTheGatewayItself_TakesNoPinFromAnybody()
    {
        await using var test = new TestPool(new PoolOptions { Max = 1, MinIdle = 0 }) { Opens = true };
        await (await test.LeaseAsync(TestPool.Of("a", session: true))).DisposeAsync();

        var own = test.LeaseAsync(new SessionKey("me", null, IsOfGateway: true)).AsTask();
        test.Clock.Advance(TimeSpan.FromSeconds(10));

        await Should.ThrowAsync<UpstreamException>(own);
        test.Evicted.ShouldBeEmpty();
    }

    [Fact]
    public async Task Lease_IsRefusedAtOnce_WhenAsManyWaitAsMay()
    {
        await using var test = new TestPool(s_exclusive with { MaxWaiting = 1, Max = 1 });
        var first = test.LeaseAsync();

        var refused = await Should.ThrowAsync<UpstreamException>(async () => await test.LeaseAsync());

        refused.Message.ShouldContain("(0 of 1 open, 0 being opened, 0 in use, 0 pinned, 1 waiting). Others are being opened");
        refused.Message.ShouldEndWith("Or raise pool.maxWaiting.");
        refused.RetryAfter.ShouldNotBeNull();
        test.Add();
        await (await first).DisposeAsync();
        test.Pool.Counts.Waiting.ShouldBe(0);
    }

    [Fact]
    public async Task Lease_SaysThatHandshakesAreNotAnswered_WhenTheyHaveBeenUnderWayForLong()
    {
        await using var test = new TestPool(s_exclusive with { Max = 3 });
        test.LongHandshakes = 3;
        var waiting = test.LeaseAsync().AsTask();

        test.Clock.Advance(TimeSpan.FromSeconds(10));

        var starved = await Should.ThrowAsync<UpstreamException>(waiting);
        starved.Message.ShouldEndWith("The upstream has not answered 3 handshakes for more than 5 s: look into it, and once it answers again, POST /upstreams/up/clear begins them anew.");
    }

    [Fact]
    public async Task Lease_SaysWhyNoneBecameFree_WhenTheWaitIsOver()
    {
        await using var test = new TestPool(s_exclusive with { Max = 1 });
        test.Add();
        await using var held = await test.LeaseAsync();
        var waiting = test.LeaseAsync().AsTask();

        test.Clock.Advance(TimeSpan.FromSeconds(10));

        var starved = await Should.ThrowAsync<UpstreamException>(waiting);
        starved.Kind.ShouldBe(FailureKind.Throttled);
        starved.Message.ShouldBe("No session of upstream 'up' is free: none became free within 10 s (1 of 1 open, 0 being opened, 1 in use, 0 pinned, 1 waiting). Raise pool.max.");
    }

    [Fact]
    public async Task Lease_IsGivenUp_WhenItsCallerCancels_AndNothingIsLost()
    {
        await using var test = new TestPool(s_exclusive);
        using var cancellation = new CancellationTokenSource();
        var waiting = test.Pool.LeaseAsync(TestPool.Alone, cancellation.Token).AsTask();
        await cancellation.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(waiting);
        test.Pool.Counts.Waiting.ShouldBe(0);
        test.Add();
        test.Pool.Counts.Idle.ShouldBe(1);
    }

    [Fact]
    public async Task Lease_FailsAtOnce_WhileTheBreakerIsOpen()
    {
        await using var test = new TestPool(s_exclusive);
        var waiting = test.LeaseAsync().AsTask();
        for (var i = 0; i < 3; i++) test.Breaker.RecordFailure(new UpstreamException(FailureKind.Unreachable, "refused"));
        test.Pool.WakeWaiters();

        (await Should.ThrowAsync<UpstreamException>(waiting)).Message.ShouldBe("refused");
        (await Should.ThrowAsync<UpstreamException>(async () => await test.LeaseAsync())).RetryAfter.ShouldNotBeNull();
    }

    /// <summary>Some servers allow one session only: that no second one opens must not fail those who wait for the first.</summary>
    [Fact]
    public async Task Lease_WaitsForTheSessionThereIs_WhenNoOtherCanBeOpened()
    {
        await using var test = new TestPool(s_exclusive);
        var only = test.Add();
        var held = await test.LeaseAsync();
        var waiting = test.LeaseAsync().AsTask();
        for (var i = 0; i < 3; i++) test.Breaker.RecordFailure(new UpstreamException(FailureKind.NotMcp, "Server already initialized"));
        test.Pool.WakeWaiters();

        await held.DisposeAsync();

        await using var lease = await waiting;
        lease.Session.ShouldBeSameAs(only);
    }

    [Fact]
    public async Task Lease_ProbesFirst_WhenTheSessionWasUnusedForLongerThanTheBypassWindow()
    {
        await using var test = new TestPool(s_exclusive);
        var session = test.Add(probed: true);
        await (await test.LeaseAsync()).DisposeAsync();
        TestPool.LinkOf(session).Pings.ShouldBe(0);

        test.Clock.Advance(TimeSpan.FromSeconds(5.1));
        await (await test.LeaseAsync()).DisposeAsync();
        TestPool.LinkOf(session).Pings.ShouldBe(1);

        test.Clock.Advance(TimeSpan.FromSeconds(5.1));
        TestPool.LinkOf(session).PingFails = new UpstreamException(FailureKind.SessionLost, "unknown session");
        var next = test.Add(probed: true);
        await using var lease = await test.LeaseAsync();
        lease.Session.ShouldBeSameAs(next);
        session.BreakReason.ShouldBe("unknown session");
    }

    [Fact]
    public async Task Expect_ProbesTheNextSession_SoThatItsCallerNeedNotWait()
    {
        await using var test = new TestPool(s_exclusive);
        var session = test.Add(probed: true);
        test.Clock.Advance(TimeSpan.FromSeconds(5.1));

        test.Pool.Expect(SessionProfile.Default);

        await Eventually.SeesAsync(() => Task.FromResult(session.VerifiedAt), at => at == test.Clock.GetTimestamp());
        await using var lease = await test.LeaseAsync();
        lease.Session.ShouldBeSameAs(session);
        TestPool.LinkOf(session).Pings.ShouldBe(1);
    }

    [Fact]
    public async Task Expect_LeavesASessionThatDoesNotAnswer_ToItsCallerToReplace()
    {
        await using var test = new TestPool(s_exclusive);
        var session = test.Add(probed: true);
        test.Clock.Advance(TimeSpan.FromSeconds(5.1));
        var next = test.Add(probed: true);
        TestPool.LinkOf(session).PingFails = new UpstreamException(FailureKind.SessionLost, "unknown session");

        test.Pool.Expect(SessionProfile.Default);

        await Eventually.SeesAsync(() => Task.FromResult(TestPool.LinkOf(session).Pings), pings => pings == 1);
        await using var lease = await test.LeaseAsync();
        lease.Session.ShouldBeSameAs(next);
        session.BreakReason.ShouldBe("unknown session");
        test.Pool.Counts.Total.ShouldBe(1);
    }

    /// <summary>A server that has forgotten one session has often forgotten all: that must not cost a call each of its attempts.</summary>
    [Fact]
    public async Task Lease_ProbesTheOthers_WhenOneSessionWasFoundLost()
    {
        await using var test = new TestPool(s_exclusive);
        var lost = test.Add(probed: true);
        var forgotten = test.Add(probed: true);
        TestPool.LinkOf(forgotten).PingFails = new UpstreamException(FailureKind.SessionLost, "unknown session");
        var sound = test.Add(probed: true);
        await using (var lease = await test.LeaseAsync())
        {
            lease.Session.ShouldBeSameAs(lost);
            TestPool.LinkOf(lost).Break("unknown session");
        }

        await using var next = await test.LeaseAsync();

        next.Session.ShouldBeSameAs(sound);
        forgotten.State.ShouldBe(SessionState.Closed);
    }

    /// <summary>A session of one's own that began with what calls without one have left would be a leak within the principal.</summary>
    /// <summary>Every client with a session has an affinity, also where that pins nothing.</summary>
    [Fact]
    public async Task Lease_ReusesTheSession_WhateverTheAffinity_WhenExclusive()
    {
        await using var test = new TestPool(s_exclusive);
        var session = test.Add();

        foreach (var affinity in (string[])["a", "b"])
        {
            await using var lease = await test.LeaseAsync(TestPool.Of(affinity, session: true));
            lease.Session.ShouldBeSameAs(session);
        }
    }

    [Fact]
    public async Task Lease_PinsAnUnusedSession_NotOneThatServedCallsThatStandAlone()
    {
        await using var test = new TestPool(new PoolOptions { MinIdle = 0 }) { Opens = true };
        var used = test.Add();
        await (await test.LeaseAsync(TestPool.Alone)).DisposeAsync();

        await using var lease = await test.LeaseAsync(TestPool.Of("a"));

        lease.Session.ShouldNotBeSameAs(used);
        used.State.ShouldBe(SessionState.Closed);
        used.CloseCode.ShouldBe("served_another");
    }

    [Fact]
    public async Task Lease_ReplacesASession_ThatHasPassedItsLifetime()
    {
        await using var test = new TestPool(s_exclusive);
        var old = test.Add(lifetime: TimeSpan.FromMinutes(30));
        test.Clock.Advance(TimeSpan.FromMinutes(31));
        var fresh = test.Add();

        await using var lease = await test.LeaseAsync();

        lease.Session.ShouldBeSameAs(fresh);
        old.BreakReason.ShouldBe("it has passed its maximum lifetime");
    }

    [Fact]
    public async Task Sweep_ClosesWhatIsTooMany_AndKeepsTheMinimum()
    {
        await using var test = new TestPool(s_exclusive with { MinIdle = 2 });
        for (var i = 0; i < 5; i++) test.Add();
        test.Clock.Advance(TimeSpan.FromMinutes(4.9));
        await test.Pool.SweepAsync(TestContext.Current.CancellationToken);
        test.Pool.Counts.Idle.ShouldBe(5);

        test.Clock.Advance(TimeSpan.FromMinutes(0.2));
        await test.Pool.SweepAsync(TestContext.Current.CancellationToken);

        test.Pool.Counts.ShouldBe(new PoolCounts(2, 0, 0, 0, 0, 2));
    }

    /// <summary>Sessions go round: each of them is used within the idle timeout, though one alone would do.</summary>
    [Theory]
    [InlineData(1, 2)]
    [InlineData(3, 4)]
    public async Task Sweep_ClosesWhatWasNotNeededAtOnce_ThoughEverySessionIsUsed(int atOnce, int kept)
    {
        await using var test = new TestPool(s_exclusive with { MinIdle = 1 });
        for (var i = 0; i < 4; i++) test.Add();
        await test.Pool.SweepAsync(TestContext.Current.CancellationToken);

        for (var minute = 0; minute < 15; minute++)
        {
            test.Clock.Advance(TimeSpan.FromMinutes(1));
            var leases = new List<SessionLease>();
            for (var i = 0; i < atOnce; i++) leases.Add(await test.LeaseAsync());
            foreach (var lease in leases) await lease.DisposeAsync();
            await test.Pool.SweepAsync(TestContext.Current.CancellationToken);
        }

        test.Pool.Counts.ShouldBe(new PoolCounts(kept, 0, 0, 0, 0, kept), "as many as are used at once, and the minimum beside them");
        test.Sessions.Where(session => session.State == SessionState.Closed).ShouldAllBe(session => session.CloseCode == CloseReason.Idle.Code);
    }

    [Fact]
    public async Task Sweep_PingsWhatIsQuiet_OncePerKeepAlive()
    {
        await using var test = new TestPool(new PoolOptions { MinIdle = 1 }) { Opens = true };
        var idle = test.Add(probed: true, keepAlive: TimeSpan.FromSeconds(55));
        var pinned = test.Add(probed: true, keepAlive: TimeSpan.FromSeconds(55));
        await using (var lease = await test.LeaseAsync(TestPool.Of("s", session: true))) lease.Session.ShouldBeSameAs(idle);
        (idle, pinned) = (pinned, idle);

        for (var second = 0; second < 120; second += 5)
        {
            test.Clock.Advance(TimeSpan.FromSeconds(5));
            await test.Pool.SweepAsync(TestContext.Current.CancellationToken);
        }

        TestPool.LinkOf(idle).Pings.ShouldBe(2);
        TestPool.LinkOf(pinned).Pings.ShouldBe(2);
        test.Pool.Counts.Total.ShouldBe(2);
    }

    [Fact]
    public async Task Sweep_ReplacesWhatDoesNotAnswer_AndWhatHasBroken()
    {
        await using var test = new TestPool(new PoolOptions { MinIdle = 0 });
        var deaf = test.Add(probed: true);
        var broken = test.Add();
        TestPool.LinkOf(deaf).PingFails = new UpstreamException(FailureKind.SessionLost, "unknown");
        TestPool.LinkOf(broken).Break("its process ended");
        test.Clock.Advance(TimeSpan.FromSeconds(61));
        var before = test.Requests;

        await test.Pool.SweepAsync(TestContext.Current.CancellationToken);

        deaf.State.ShouldBe(SessionState.Closed);
        broken.BreakReason.ShouldBe("its process ended");
        test.Requests.ShouldBeGreaterThan(before);
    }

    [Fact]
    public async Task Sweep_ClosesAnAffinityNobodyUses_ButNotAClientsSession()
    {
        await using var test = new TestPool(new PoolOptions { MinIdle = 0 }) { Opens = true };
        await (await test.LeaseAsync(TestPool.Of("a"))).DisposeAsync();
        await (await test.LeaseAsync(TestPool.Of("s", session: true))).DisposeAsync();
        test.Clock.Advance(TimeSpan.FromMinutes(6));

        await test.Pool.SweepAsync(TestContext.Current.CancellationToken);

        test.Pool.Counts.Pinned.ShouldBe(1);
        test.Sessions.Count(session => session.State == SessionState.Closed).ShouldBe(1);
        test.Evicted.ShouldBeEmpty();
    }

    [Fact]
    public async Task Release_ClosesTheClientsSession_AfterItsCallsUnderWay()
    {
        await using var test = new TestPool(new PoolOptions { MinIdle = 0 }) { Opens = true };
        var lease = await test.LeaseAsync(TestPool.Of("s", session: true));

        await test.Pool.ReleaseAsync(TestPool.Of("s", session: true));
        TestPool.LinkOf(lease.Session).Disposals.ShouldBe(0);
        await lease.DisposeAsync();

        TestPool.LinkOf(lease.Session).Disposals.ShouldBe(1);
        test.Pool.Counts.Total.ShouldBe(0);
        await test.Pool.ReleaseAsync(TestPool.Of("s", session: true));
    }

    [Fact]
    public async Task Dispose_EndsWaits_AndClosesEverySessionOnce()
    {
        var test = new TestPool(s_exclusive with { Max = 2 });
        test.Add();
        test.Add();
        var held = await test.LeaseAsync();
        await using (await test.LeaseAsync()) { }
        var other = await test.LeaseAsync();
        var waiting = test.LeaseAsync().AsTask();
        await other.DisposeAsync();
        await (await waiting).DisposeAsync();
        var late = await test.LeaseAsync();
        var starving = test.LeaseAsync().AsTask();

        await test.DisposeAsync();

        (await Should.ThrowAsync<UpstreamException>(starving)).Message.ShouldContain("was closed or changed");
        await held.DisposeAsync();
        await late.DisposeAsync();
        test.Add();
        test.Sessions.ShouldAllBe(session => session.State == SessionState.Closed && TestPool.LinkOf(session).Disposals == 1);
        test.Pool.Counts.Total.ShouldBe(0);
    }

    [Theory]
    [InlineData(PoolMode.Exclusive, null)]
    [InlineData(PoolMode.Auto, "client")]
    [InlineData(PoolMode.Shared, null)]
    public async Task Lease_IsSynchronousAndFree_WhenNobodyContends(object mode, string? affinity)
    {
        await using var test = new TestPool(new PoolOptions { Mode = (PoolMode)mode, MinIdle = 0 }, TimeProvider.System);
        test.Add();
        var key = new SessionKey("me", affinity, affinity is not null);
        for (var i = 0; i < 1000; i++) await (await test.LeaseAsync(key)).DisposeAsync();

        var before = GC.GetAllocatedBytesForCurrentThread();
        var synchronous = true;
        for (var i = 0; i < 1000; i++)
        {
            var leasing = test.Pool.LeaseAsync(key, CancellationToken.None);
            synchronous &= leasing.IsCompletedSuccessfully;
            var returning = (await leasing).DisposeAsync();
            synchronous &= returning.IsCompletedSuccessfully;
            await returning;
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        synchronous.ShouldBeTrue();
        allocated.ShouldBe(0);
    }
}
