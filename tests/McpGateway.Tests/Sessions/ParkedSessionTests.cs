using McpGateway.Sessions;

namespace McpGateway.Tests.Sessions;

public sealed class ParkedSessionTests
{
    [Fact]
    public async Task Session_IsParked_WhileAllItsLeasesAre()
    {
        await using var test = new TestPool(new PoolOptions { MinIdle = 0 }) { Opens = true };
        var (first, second) = (await test.LeaseAsync(TestPool.Of("a")), await test.LeaseAsync(TestPool.Of("a")));
        var session = first.Session;
        second.Session.ShouldBe(session);

        session.Park();
        session.State.ShouldBe(SessionState.Leased);
        await second.DisposeAsync();
        session.State.ShouldBe(SessionState.Parked);
        test.Pool.Counts.ByState.ShouldBe((0, 0, 1, 0));
        var third = await test.LeaseAsync(TestPool.Of("a"));
        session.State.ShouldBe(SessionState.Leased, "its owner calls on it while another call waits");
        await third.DisposeAsync();
        session.State.ShouldBe(SessionState.Parked);
        session.Unpark();
        session.State.ShouldBe(SessionState.Leased);
        await first.DisposeAsync();

        session.State.ShouldBe(SessionState.Idle);
        session.Leases.ShouldBe(0);
    }

    [Fact]
    public async Task Session_ThatBreaksWhileItIsParked_IsClosedAtItsReturn()
    {
        await using var test = new TestPool(new PoolOptions { MinIdle = 0 });
        test.Add();
        var lease = await test.LeaseAsync();
        lease.Session.Park();

        lease.Break(CloseReason.Cleared);
        lease.Session.TryClose().ShouldBeFalse();
        lease.Session.Unpark();
        lease.Session.State.ShouldBe(SessionState.Broken);
        await lease.DisposeAsync();

        lease.Session.State.ShouldBe(SessionState.Closed);
        TestPool.LinkOf(lease.Session).Disposals.ShouldBe(1);
    }

    [Fact]
    public async Task ParkedSession_IsNeitherTheKeepersNorTheNextCallers()
    {
        await using var test = new TestPool(new PoolOptions { MinIdle = 0 });
        test.Add();
        var lease = await test.LeaseAsync();
        lease.Session.Park();

        lease.Session.TryReserve().ShouldBeFalse();
        lease.Session.TryLease().ShouldBeFalse();

        lease.Session.Unpark();
        await lease.DisposeAsync();
    }

    /// <summary>The three numbers in one word, changed by many at once, come out even.</summary>
    [Fact]
    public async Task Counts_ComeOutEven_WhenLeasesAreParkedAndReturnedAtOnce()
    {
        await using var test = new TestPool(new PoolOptions { MinIdle = 0 }) { Opens = true };
        await using var held = await test.LeaseAsync(TestPool.Of("a"));

        await Parallel.ForAsync(0, 5000, async (_, _) =>
        {
            await using var lease = await test.LeaseAsync(TestPool.Of("a"));
            lease.Session.Park();
            lease.Session.State.ShouldBe(SessionState.Leased, "one lease is not parked");
            lease.Session.Unpark();
        });

        (held.Session.State, held.Session.Leases).ShouldBe((SessionState.Leased, 1));
    }
}
