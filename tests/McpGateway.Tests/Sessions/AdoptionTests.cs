using McpGateway.Sessions;

namespace McpGateway.Tests.Sessions;

/// <summary>A key whose session a gateway that stopped has left gets that session, or an honest error, and nobody else gets it.</summary>
public sealed class AdoptionTests
{
    private static readonly PoolOptions s_options = new() { MinIdle = 0, Max = 2 };
    private static readonly SessionKey s_own = TestPool.Of("run/1");

    [Fact]
    public async Task Caller_WaitsForTheOpener_AndGetsTheSessionThatWasLeftToHim()
    {
        await using var test = new TestPool(s_options);
        test.Parked.Add(s_own);
        var warm = test.Add();
        var first = test.LeaseAsync(s_own);
        var second = test.LeaseAsync(s_own);
        test.Pool.Need.ShouldBe(1);

        test.Pool.TryBeginAdopting().ShouldBe(s_own);
        test.Pool.TryBeginAdopting().ShouldBeNull("two callers of one key wait for one session");
        var resumed = test.Create();
        test.Pool.EndAdopting(s_own, resumed, null);

        await using var one = await first;
        await using var two = await second;
        one.Session.ShouldBeSameAs(resumed);
        two.Session.ShouldBeSameAs(resumed);
        await using var other = await test.LeaseAsync(TestPool.Of("run/2"));
        other.Session.ShouldBeSameAs(warm);
        test.Pool.Need.ShouldBe(0);
    }

    [Fact]
    public async Task Caller_GetsAFreshSession_WhenThereIsNothingLeftAnyMore()
    {
        await using var test = new TestPool(s_options);
        test.Parked.Add(s_own);
        var warm = test.Add();
        var waiting = test.LeaseAsync(s_own);

        test.Pool.TryBeginAdopting().ShouldBe(s_own);
        test.Pool.EndAdopting(s_own, null, null);

        await using var lease = await waiting;
        lease.Session.ShouldBeSameAs(warm);
    }

    [Fact]
    public async Task Failure_IsTheCallers_AndTheNextCallAsksAgain()
    {
        await using var test = new TestPool(s_options);
        test.Parked.Add(s_own);
        test.Add();
        var failing = test.LeaseAsync(s_own);
        test.Pool.TryBeginAdopting().ShouldBe(s_own);
        test.Pool.EndAdopting(s_own, null, new UpstreamException(FailureKind.Unreachable, "away"));
        (await Should.ThrowAsync<UpstreamException>(async () => await failing)).Message.ShouldBe("away");

        var again = test.LeaseAsync(s_own);
        test.Pool.TryBeginAdopting().ShouldBe(s_own);
        var resumed = test.Create();
        test.Pool.EndAdopting(s_own, resumed, null);

        (await again).Session.ShouldBeSameAs(resumed);
    }

    [Fact]
    public async Task Caller_IsToldAtOnce_WhileTheBreakerIsOpen()
    {
        await using var test = new TestPool(s_options);
        test.Parked.Add(s_own);
        test.Breaker.RecordFailure(new UpstreamException(FailureKind.Unauthorized, "401"));

        foreach (var key in new[] { s_own, TestPool.Of("run/2") })
        {
            (await Should.ThrowAsync<UpstreamException>(() => test.LeaseAsync(key).AsTask())).Message.ShouldBe("401");
        }
    }

    [Fact]
    public async Task FullPool_MakesRoom_FromAnUnusedSession()
    {
        await using var test = new TestPool(s_options with { Max = 1 });
        test.Parked.Add(s_own);
        var warm = test.Add();

        var waiting = test.LeaseAsync(s_own);

        warm.State.ShouldBe(SessionState.Closed);
        test.Pool.TryBeginAdopting().ShouldBe(s_own);
        test.Pool.EndAdopting(s_own, test.Create(), null);
        await using var lease = await waiting;
        test.Pool.Counts.Total.ShouldBe(1);
    }

    [Fact]
    public async Task FullPool_GivesTheNextSessionThatComesBack_UpForIt()
    {
        await using var test = new TestPool(s_options with { Max = 1 });
        test.Parked.Add(s_own);
        test.Add();
        var held = await test.LeaseAsync();
        var waiting = test.LeaseAsync(s_own);
        test.Pool.TryBeginAdopting().ShouldBeNull("there is no place");

        await held.DisposeAsync();

        test.Pool.TryBeginAdopting().ShouldBe(s_own);
        test.Pool.EndAdopting(s_own, test.Create(), null);
        await using var lease = await waiting;
    }

    [Fact]
    public async Task Caller_IsRefused_WhenNoPlaceBecomesFreeInTime_AndNothingStaysWanted()
    {
        await using var test = new TestPool(s_options with { Max = 1 });
        test.Parked.Add(s_own);
        test.Add();
        await using var held = await test.LeaseAsync();
        var waiting = test.LeaseAsync(s_own).AsTask();

        test.Clock.Advance(s_options.AcquireTimeout);

        (await Should.ThrowAsync<UpstreamException>(() => waiting)).Kind.ShouldBe(FailureKind.Throttled);
        await held.DisposeAsync();
        test.Pool.TryBeginAdopting().ShouldBeNull();
    }

    [Fact]
    public async Task CallerWhoGivesUp_CostsTheOthersNothing()
    {
        await using var test = new TestPool(s_options);
        test.Parked.Add(s_own);
        using var impatient = new CancellationTokenSource();
        var first = test.Pool.LeaseAsync(s_own, impatient.Token).AsTask();
        var second = test.LeaseAsync(s_own);
        await impatient.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => first);

        test.Pool.TryBeginAdopting().ShouldBe(s_own);
        var resumed = test.Create();
        test.Pool.EndAdopting(s_own, resumed, null);

        (await second).Session.ShouldBeSameAs(resumed);
    }

    [Fact]
    public async Task Session_ThatIsResumedWhileThePoolCloses_IsClosed_AndItsCallerTold()
    {
        var test = new TestPool(s_options);
        test.Parked.Add(s_own);
        var waiting = test.LeaseAsync(s_own).AsTask();
        test.Pool.TryBeginAdopting().ShouldBe(s_own);
        await test.DisposeAsync();
        var resumed = test.Create();

        test.Pool.EndAdopting(s_own, resumed, null);

        resumed.State.ShouldBe(SessionState.Closed);
        await Should.ThrowAsync<UpstreamException>(() => waiting);
    }
}
