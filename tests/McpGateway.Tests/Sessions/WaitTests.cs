using McpGateway.Sessions;

namespace McpGateway.Tests.Sessions;

/// <summary>Nobody goes on waiting while there is a session, or a place for one, that he might have.</summary>
public sealed class WaitTests
{
    private static readonly PoolOptions s_auto = new() { Mode = PoolMode.Auto, MinIdle = 0, Max = 1, PinHold = TimeSpan.Zero };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Waiter_LooksAgain_WhenOneWhoDoesNotWaitTookTheWordMeantForHim()
    {
        var shelf = new Shelf(SessionProfile.Default);
        shelf.Enter(TestPool.Alone);
        var looked = shelf.Changes;

        shelf.Wake();
        shelf.TryTake(out _).ShouldBeFalse();

        (await shelf.ReadAsync(looked, Cancellation).AsTask().WaitAsync(Eventually.Patience, Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task Waiter_LooksAgain_WhenAnotherWaiterReadTheWordMeantForHim()
    {
        var shelf = new Shelf(SessionProfile.Default);
        shelf.Enter(TestPool.Alone);
        shelf.Enter(TestPool.Alone);
        var looked = shelf.Changes;

        shelf.Wake();
        for (var i = 0; i < 2; i++) (await shelf.ReadAsync(shelf.Changes, Cancellation)).ShouldBeNull();

        (await shelf.ReadAsync(looked, Cancellation).AsTask().WaitAsync(Eventually.Patience, Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task Waiter_GetsThePlaceOfAnUnusedPin_WhenAnOlderOneIsClosedAlready()
    {
        await using var test = new TestPool(s_auto with { Max = 2 }) { Opens = true };
        var broken = await test.LeaseAsync(TestPool.Of("broken"));
        broken.Break(CloseReason.Broken("told to"));
        await broken.DisposeAsync();
        foreach (var affinity in (string[])["older", "newer"])
        {
            test.Clock.Advance(TimeSpan.FromSeconds(1));
            await (await test.LeaseAsync(TestPool.Of(affinity))).DisposeAsync();
        }

        await using var lease = await test.LeaseAsync();

        test.Evicted.ShouldBe([TestPool.Of("older")]);
    }

    [Fact]
    public async Task Sweep_ForgetsAPin_WhoseSessionIsClosed()
    {
        await using var test = new TestPool(s_auto) { Opens = true };
        var lease = await test.LeaseAsync(TestPool.Of("a", session: true));
        lease.Break(CloseReason.Broken("told to"));
        await lease.DisposeAsync();

        await test.Pool.SweepAsync(Cancellation);

        test.Pool.Counts.Pinned.ShouldBe(0);
    }

    [Fact]
    public async Task Waiter_GetsWhatOneWhoLeftWouldHaveTaken()
    {
        await using var test = new TestPool(s_auto);
        using var leaving = new CancellationTokenSource();
        var left = test.Pool.LeaseAsync(TestPool.Of("left"), leaving.Token).AsTask();
        await leaving.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(left);
        var waiting = test.LeaseAsync().AsTask();

        var only = test.Add();

        await using var lease = await waiting.WaitAsync(Eventually.Patience, Cancellation);
        lease.Session.ShouldBeSameAs(only);
        test.Evicted.ShouldBeEmpty();
    }

    /// <summary>The gateway's own reading takes nothing from anybody, but it is served with what is taken for a caller behind it.</summary>
    [Fact]
    public async Task Waiter_GetsThePlaceOfAPin_ThoughTheGatewayItselfWaitsBeforeHim()
    {
        await using var test = new TestPool(s_auto) { Opens = true };
        var pinned = await test.LeaseAsync(TestPool.Of("a"));
        var reading = test.LeaseAsync(TestPool.Alone with { IsOfGateway = true }).AsTask();
        var waiting = test.LeaseAsync().AsTask();

        await pinned.DisposeAsync();

        await (await reading.WaitAsync(Eventually.Patience, Cancellation)).DisposeAsync();
        await using var lease = await waiting.WaitAsync(Eventually.Patience, Cancellation);
        test.Evicted.ShouldBe([TestPool.Of("a")]);
    }

    /// <summary>At the limit one pinned session is enough for one who waits, however many come free at once.</summary>
    [Fact]
    public async Task Pins_AreEvictedOneAtATime_AsTheyAreNeeded()
    {
        await using var test = new TestPool(s_auto with { Max = 3 }) { Opens = true };
        foreach (var affinity in (string[])["a", "b", "c"]) await (await test.LeaseAsync(TestPool.Of(affinity))).DisposeAsync();

        await using var first = await test.LeaseAsync();
        test.Evicted.Count.ShouldBe(1);
        await using var second = await test.LeaseAsync();
        test.Evicted.Count.ShouldBe(2);
    }
}
