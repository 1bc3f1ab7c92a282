using McpGateway.Sessions;

namespace McpGateway.Tests.Sessions;

/// <summary>More keys than sessions: each keeps its session for a while at least, those who wait come in their order, and nobody loses more than is made use of.</summary>
public sealed class PinHoldTests
{
    private static readonly PoolOptions s_options = new() { MinIdle = 0, Max = 1, PinHold = TimeSpan.FromSeconds(2), AcquireTimeout = TimeSpan.FromSeconds(10) };
    private static readonly TimeSpan s_almost = s_options.PinHold - TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan s_rest = TimeSpan.FromMilliseconds(2);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pin_IsLeftToItsOwner_UntilItsHoldIsOver()
    {
        await using var test = await FullAsync("a");
        var waiting = test.LeaseAsync(TestPool.Of("b")).AsTask();

        test.Clock.Advance(s_almost);
        test.Evicted.ShouldBeEmpty();
        await UseAsync(test, "a");
        test.Clock.Advance(s_rest);

        await using var lease = await SoonAsync(waiting);
        test.Evicted.ShouldBe([TestPool.Of("a")]);
        test.Timeline.Read().ShouldContain(step => step.What == "pinned session evicted" && step.Reason!.Contains("affinity 'a'", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Pin_InUseWhenItsHoldIsOver_GoesAtItsReturn()
    {
        await using var test = new TestPool(s_options) { Opens = true };
        var held = await test.LeaseAsync(TestPool.Of("a"));
        var waiting = test.LeaseAsync(TestPool.Of("b")).AsTask();
        test.Clock.Advance(s_options.PinHold + s_rest);
        test.Evicted.ShouldBeEmpty();

        await held.DisposeAsync();

        await using var lease = await SoonAsync(waiting);
        test.Evicted.ShouldBe([TestPool.Of("a")]);
    }

    [Fact]
    public async Task Keys_TakeTurns_InTheOrderInWhichTheyCame()
    {
        string[] keys = ["b", "c", "d", "e"];
        await using var test = await FullAsync("a");
        var waiting = keys.Select(key => test.LeaseAsync(TestPool.Of(key)).AsTask()).ToArray();

        foreach (var next in waiting)
        {
            test.Clock.Advance(s_options.PinHold + s_rest);
            await (await SoonAsync(next)).DisposeAsync();
            test.Pool.Counts.Pinned.ShouldBe(1);
        }

        test.Evicted.Select(key => key.Affinity).ShouldBe(["a", "b", "c", "d"]);
        test.Sessions.Count.ShouldBe(5, "one handshake a turn");
    }

    /// <summary>Without a hold two could take each other's session from each other before either has used it.</summary>
    [Fact]
    public async Task Session_OpenedForOneWhoWaits_IsUsedByHim_ThoughAnotherWaits()
    {
        await using var test = new TestPool(s_options with { PinHold = TimeSpan.Zero });
        var first = test.LeaseAsync(TestPool.Of("a")).AsTask();
        var second = test.LeaseAsync(TestPool.Of("b")).AsTask();

        test.Opens = true;
        var only = test.Add();

        var lease = await SoonAsync(first);
        lease.Session.ShouldBeSameAs(only);
        second.IsCompleted.ShouldBeFalse();
        await lease.DisposeAsync();
        await (await SoonAsync(second)).DisposeAsync();
    }

    [Fact]
    public async Task OneWhoWaits_IsNotCountedAsPinned_AndTakesNothing_WhenHeLeaves()
    {
        await using var test = await FullAsync("a");
        using var leaving = new CancellationTokenSource();
        var left = test.Pool.LeaseAsync(TestPool.Of("b"), leaving.Token).AsTask();
        (test.Pool.Counts.Pinned, test.Pool.Counts.Waiting).ShouldBe((1, 1));

        await leaving.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(left);
        await Eventually.HoldsAsync(() => test.Pool.Counts.Waiting == 0);
        test.Clock.Advance(s_options.PinHold + s_rest);
        test.Evicted.ShouldBeEmpty();
    }

    [Fact]
    public async Task OneWhoStays_IsServed_ThoughTheFirstWithHisKeyHasLeft()
    {
        await using var test = await FullAsync("a");
        using var leaving = new CancellationTokenSource();
        var left = test.Pool.LeaseAsync(TestPool.Of("b"), leaving.Token).AsTask();
        var stays = test.LeaseAsync(TestPool.Of("b")).AsTask();
        await leaving.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(left);

        test.Clock.Advance(s_options.PinHold + s_rest);

        await using var lease = await SoonAsync(stays);
    }

    [Fact]
    public async Task Drain_EndsTheWaitForAPinnedSession()
    {
        await using var test = await FullAsync("a");
        var waiting = test.LeaseAsync(TestPool.Of("b")).AsTask();

        test.Drain();

        (await Should.ThrowAsync<UpstreamException>(() => waiting.WaitAsync(Eventually.Patience, Cancellation))).Message.ShouldContain("drained");
        test.Pool.Counts.ShouldBe(default);
    }

    [Fact]
    public async Task Clear_LeavesNothingCountedAsPinned_ThoughACallIsUnderWay()
    {
        await using var test = new TestPool(s_options with { Max = 2 }) { Opens = true };
        await UseAsync(test, "a");
        await using var held = await test.LeaseAsync(TestPool.Of("b"));
        test.Pool.Counts.Pinned.ShouldBe(2);

        test.Pool.Clear(CloseReason.Cleared);

        (test.Pool.Counts.Pinned, test.Pool.Counts.Leased).ShouldBe((1, 1), "cleared at its return");
        held.Break(CloseReason.Cleared);
        (test.Pool.Counts.Pinned, test.Pool.Counts.PinnedUnused, test.Pool.Counts.Leased).ShouldBe((0, 0, 1));
    }

    [Fact]
    public async Task Pins_AreTaken_AsManyAsTheOpenerCanMakeUseOf()
    {
        string[] keys = ["a", "b", "c", "d", "e"];
        await using var test = new TestPool(s_options with { Max = 5 }) { Opens = true };
        foreach (var key in keys) await UseAsync(test, key);
        test.Opens = false;
        test.Clock.Advance(s_options.PinHold);

        var waiting = keys.Select(key => test.LeaseAsync(TestPool.Of($"new-{key}")).AsTask()).ToArray();
        test.Evicted.Count.ShouldBe(SessionOpener.AtOnce);
        var opening = Enumerable.Range(0, SessionOpener.AtOnce).Select(_ => test.Pool.TryBeginOpening().ShouldNotBeNull()).ToArray();
        test.Pool.WakeWaiters();
        test.Evicted.Count.ShouldBe(SessionOpener.AtOnce);
        test.Add();
        test.Pool.EndOpening(opening[0]);

        await (await SoonAsync(waiting[0])).DisposeAsync();
        test.Evicted.Count.ShouldBe(SessionOpener.AtOnce + 1);
        test.Opens = true;
        foreach (var profile in opening[1..]) test.Pool.EndOpening(profile);
        test.Pool.WakeWaiters();
        foreach (var next in waiting[1..]) await (await SoonAsync(next)).DisposeAsync();
    }

    [Fact]
    public async Task Refusal_NamesTheHold_WhenAllArePinned()
    {
        await using var test = new TestPool(s_options) { Opens = true };
        await using var held = await test.LeaseAsync(TestPool.Of("a"));
        var waiting = test.LeaseAsync(TestPool.Of("b")).AsTask();

        test.Clock.Advance(s_options.AcquireTimeout);

        (await Should.ThrowAsync<UpstreamException>(waiting)).Message.ShouldBe("No session of upstream 'up' is free: none became free within 10 s (1 of 1 open, 0 being opened, 1 in use, 1 pinned, 1 waiting). "
            + "Raise pool.max, or pool.acquireTimeout; or shorten pool.pinHold (2 s), for which each pinned one is kept at least.");
    }

    [Fact]
    public async Task Refusal_SaysThatHandshakesAreUnderWay_InsteadOfAskingForMore()
    {
        await using var test = new TestPool(s_options with { Max = 4 });
        var waiting = test.LeaseAsync(TestPool.Of("a")).AsTask();
        test.Pool.TryBeginOpening().ShouldNotBeNull();

        test.Clock.Advance(s_options.AcquireTimeout);

        var message = (await Should.ThrowAsync<UpstreamException>(waiting)).Message;
        message.ShouldContain("0 of 4 open, 1 being opened, 0 in use, 0 pinned, 1 waiting");
        message.ShouldNotContain("Raise pool.max");
    }

    [Fact]
    public async Task Refusal_SaysWhenTheUpstreamIsTriedAgain_WhileItDoesNotOpen()
    {
        await using var test = new TestPool(s_options with { Max = 4, AcquireTimeout = TimeSpan.FromSeconds(3) });
        var waiting = test.LeaseAsync(TestPool.Of("a")).AsTask();
        test.Clock.Advance(TimeSpan.FromSeconds(2.9));
        test.Breaker.RecordFailure(new UpstreamException(FailureKind.Unreachable, "connection refused"));

        test.Clock.Advance(TimeSpan.FromSeconds(0.1));

        var refused = await Should.ThrowAsync<UpstreamException>(waiting);
        refused.Message.ShouldContain("last failure to open: connection refused). Look into the upstream; it is tried again in");
        refused.RetryAfter.ShouldNotBeNull().ShouldBeLessThan(TimeSpan.FromSeconds(0.5));
    }

    [Fact]
    public async Task Refusal_NamesTheUpstream_WhenThatAllowsNoMore()
    {
        await using var test = await FullAsync("a", s_options with { Max = 4 });
        test.Pool.TryLimit().ShouldBe(1);
        await using var held = await test.LeaseAsync(TestPool.Of("a"));
        var waiting = test.LeaseAsync(TestPool.Of("b")).AsTask();

        test.Clock.Advance(s_options.AcquireTimeout);

        (await Should.ThrowAsync<UpstreamException>(waiting)).Message.ShouldContain("The upstream allows no more than 1 at once");
    }

    private static async Task<TestPool> FullAsync(string key, PoolOptions? options = null)
    {
        var test = new TestPool(options ?? s_options) { Opens = true };
        await UseAsync(test, key);
        return test;
    }

    private static async Task UseAsync(TestPool test, string key) => await (await test.LeaseAsync(TestPool.Of(key))).DisposeAsync();

    private static Task<SessionLease> SoonAsync(Task<SessionLease> waiting) => waiting.WaitAsync(Eventually.Patience, Cancellation);
}
