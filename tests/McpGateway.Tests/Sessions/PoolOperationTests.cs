using System.Diagnostics.Metrics;
using McpGateway.Sessions;

namespace McpGateway.Tests.Sessions;

/// <summary>What an operator can do to a pool, and what a pool tells of itself.</summary>
public sealed class PoolOperationTests
{
    private static readonly PoolOptions s_options = new() { Mode = PoolMode.Exclusive, MinIdle = 1, Max = 8 };

    [Fact]
    public async Task Warm_RaisesTheNeed_UntilTheHintIsOld()
    {
        await using var test = new TestPool(s_options) { Opens = true };
        test.Warm(5);
        test.Pool.Counts.Idle.ShouldBe(5);

        test.Clock.Advance(s_options.IdleTimeout + TimeSpan.FromSeconds(1));
        await test.Pool.SweepAsync(TestContext.Current.CancellationToken);

        test.Pool.Counts.ShouldBe(new PoolCounts(1, 0, 0, 0, 0, 1));
    }

    [Fact]
    public async Task Clear_ReplacesTheUnusedNow_AndTheLeasedAtTheirReturn()
    {
        await using var test = new TestPool(s_options) { Opens = true };
        test.Warm(2);
        var held = await test.LeaseAsync();
        var before = test.Sessions.ToArray();

        test.Pool.Clear(CloseReason.Cleared);
        before.Where(session => session != held.Session).ShouldAllBe(session => session.State == SessionState.Closed && session.CloseCode == "cleared");
        held.Session.State.ShouldBe(SessionState.Leased);
        await held.DisposeAsync();

        before.ShouldAllBe(session => session.State == SessionState.Closed);
        await using var next = await test.LeaseAsync();
        before.ShouldNotContain(next.Session);
    }

    [Fact]
    public async Task Clear_TakesPinnedSessionsToo()
    {
        await using var test = new TestPool(s_options with { Mode = PoolMode.Auto }) { Opens = true };
        test.Warm(1);
        UpstreamSession first;
        await using (var lease = await test.LeaseAsync(TestPool.Of("a"))) first = lease.Session;

        test.Pool.Clear(CloseReason.Cleared);

        first.State.ShouldBe(SessionState.Closed);
        await using var next = await test.LeaseAsync(TestPool.Of("a"));
        next.Session.ShouldNotBeSameAs(first);
    }

    [Fact]
    public async Task Drain_RefusesWithTheRemedy_AndWarmTakesItBack()
    {
        await using var test = new TestPool(s_options) { Opens = true };
        test.Warm(1);
        var held = await test.LeaseAsync();

        test.Drain();
        var refused = await Should.ThrowAsync<UpstreamException>(async () => await test.LeaseAsync());
        await held.DisposeAsync();

        refused.Message.ShouldContain("/upstreams/up/warm");
        refused.RetryAfter.ShouldNotBeNull();
        test.Pool.Counts.Total.ShouldBe(0);
        test.Pool.Need.ShouldBe(0);
        test.Warm(1);
        await (await test.LeaseAsync()).DisposeAsync();
    }

    [Fact]
    public async Task Drain_EndsTheWaitOfThoseWhoWait()
    {
        await using var test = new TestPool(s_options with { Max = 1 });
        test.Add();
        await using var held = await test.LeaseAsync();
        var waiting = test.LeaseAsync().AsTask();

        test.Drain();

        (await Should.ThrowAsync<UpstreamException>(() => waiting)).Message.ShouldContain("drained");
    }

    [Fact]
    public async Task Starved_NamesTheBudget_WhenThatIsWhatKeepsHandshakesBack()
    {
        await using var test = new TestPool(s_options with { MaxWaiting = 0 });
        test.Breaker.HeldBack = "the handshakes of this minute are used up (pool.handshakesPerMinute)";

        var starved = await Should.ThrowAsync<UpstreamException>(async () => await test.LeaseAsync());

        starved.Message.ShouldContain("pool.handshakesPerMinute");
    }

    [Fact]
    public async Task Sweep_NamesTheHolder_WhenALeaseOutlivesEveryCall()
    {
        await using var test = new TestPool(s_options with { Mode = PoolMode.Auto }) { Opens = true };
        test.Warm(1);
        await using var held = await test.LeaseAsync(TestPool.Of("affinity:run_7/tester"));
        test.Clock.Advance(s_options.CallTimeout + TimeSpan.FromMinutes(1));

        await test.Pool.SweepAsync(TestContext.Current.CancellationToken);
        await test.Pool.SweepAsync(TestContext.Current.CancellationToken);

        test.Timeline.Read().Where(step => step.What == "lease not returned").ShouldHaveSingleItem().Reason!.ShouldContain("run_7/tester");
    }

    [Fact]
    public async Task Close_IsCountedByItsReason()
    {
        var reasons = new List<string?>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, listening) =>
        {
            if (instrument.Meter.Name == PoolMetrics.MeterName && instrument.Name == "mcp.gateway.pool.evictions") listening.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) =>
        {
            lock (reasons)
            {
                foreach (var (name, value) in tags)
                {
                    if (name == "reason") reasons.Add(value as string);
                }
            }
        });
        listener.Start();
        await using var test = new TestPool(s_options with { Mode = PoolMode.SingleUse });
        test.Add();

        await (await test.LeaseAsync()).DisposeAsync();

        lock (reasons) reasons.ShouldContain("used_once");
    }
}
