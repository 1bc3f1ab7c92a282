using McpGateway.Sessions;
using Microsoft.Extensions.Logging.Abstractions;

namespace McpGateway.Tests.Sessions;

public sealed class SessionOpenerTests : IAsyncDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly Breaker _breaker;
    private readonly Timeline _timeline;
    private readonly SessionOpener _opener;
    private readonly SemaphoreSlim _mayOpen = new(0);
    private UpstreamException? _failure;
    private int _need;
    private int _atOnce;
    private int _most;
    private int _opened;
    private int _failed;

    public SessionOpenerTests()
    {
        _breaker = new Breaker(_time, new Random(1));
        _timeline = new Timeline(_time);
        _opener = Opener(handshakesPerMinute: 0);
    }

    public ValueTask DisposeAsync() => _opener.DisposeAsync();

    [Fact]
    public async Task Opener_NeverOpensMoreThanThreeAtOnce()
    {
        _need = 10;
        _opener.Start();
        await Eventually.HoldsAsync(() => Volatile.Read(ref _atOnce) == 3);
        for (var i = 0; i < 20; i++) _opener.Request();
        _mayOpen.Release(10);

        await Eventually.HoldsAsync(() => Volatile.Read(ref _opened) == 10);

        _most.ShouldBe(3);
        await Eventually.HoldsAsync(() => _opener.Opening == 0);
    }

    [Fact]
    public async Task Opener_AsksAgainWhetherItIsNeeded_BeforeEachHandshake()
    {
        _need = 1;
        _mayOpen.Release(5);
        _opener.Start();
        await Eventually.HoldsAsync(() => Volatile.Read(ref _opened) == 1 && _opener.Opening == 0);

        for (var i = 0; i < 5; i++) _opener.Request();
        Volatile.Write(ref _need, 1);
        _opener.Request();
        await Eventually.HoldsAsync(() => Volatile.Read(ref _opened) == 2 && _opener.Opening == 0);

        _mayOpen.CurrentCount.ShouldBe(3);
    }

    [Fact]
    public async Task Opener_WaitsAfterAFailure_AsLongAsTheUpstreamAsks()
    {
        _need = 1;
        _failure = new UpstreamException(FailureKind.Throttled, "slow down", retryAfter: TimeSpan.FromSeconds(90));
        _opener.Start();
        await Eventually.HoldsAsync(() => Volatile.Read(ref _failed) == 1 && _time.PendingTimers == 1);
        Volatile.Write(ref _failure, null);
        _mayOpen.Release();

        _time.Advance(TimeSpan.FromSeconds(89.9));
        _time.PendingTimers.ShouldBe(1);
        Volatile.Read(ref _opened).ShouldBe(0);
        _time.Advance(TimeSpan.FromSeconds(0.2));

        await Eventually.HoldsAsync(() => Volatile.Read(ref _opened) == 1);
        _breaker.LastFailure.ShouldBeNull();
    }

    [Fact]
    public async Task Opener_OutlivesAFailureNobodyForesaw()
    {
        _need = 1;
        _failure = null;
        _unforeseen = new InvalidOperationException("bug");
        _opener.Start();
        await Eventually.HoldsAsync(() => Volatile.Read(ref _failed) == 1 && _time.PendingTimers == 1);
        _unforeseen = null;
        _mayOpen.Release();

        _time.Advance(TimeSpan.FromSeconds(1));

        await Eventually.HoldsAsync(() => Volatile.Read(ref _opened) == 1);
    }

    [Fact]
    public async Task Opener_EndsWithItsHandshakes_WhenDisposed()
    {
        _need = 2;
        _opener.Start();
        await Eventually.HoldsAsync(() => Volatile.Read(ref _atOnce) == 2);

        await _opener.DisposeAsync();

        _opener.Opening.ShouldBe(0);
        _failed.ShouldBe(0);
    }

    [Fact]
    public async Task HandshakesThatFailSideBySide_CountAsOneFailure()
    {
        _need = 3;
        _failsTogether = new UpstreamException(FailureKind.Unreachable, "refused");
        _opener.Start();
        await Eventually.HoldsAsync(() => Volatile.Read(ref _atOnce) == 3);

        _mayOpen.Release(3);

        await Eventually.HoldsAsync(() => Volatile.Read(ref _failed) == 3 && _opener.Opening == 0);
        _breaker.IsOpen.ShouldBeFalse();
        (_breaker.RetryAt - _time.GetUtcNow()).TotalSeconds.ShouldBeInRange(0.25, 0.5);
        _timeline.Read().Count(step => step.What == "open failed").ShouldBe(3);
    }

    [Fact]
    public async Task Opener_WaitsTwiceAsLongEachTime_WithinTheJitter()
    {
        _need = 1;
        _failure = new UpstreamException(FailureKind.Unreachable, "refused");
        _opener.Start();
        for (var (attempt, whole) = (1, 0.5); attempt <= 8; attempt++, whole = Math.Min(30, whole * 2))
        {
            await Eventually.HoldsAsync(() => Volatile.Read(ref _failed) == attempt && _time.PendingTimers == 1);
            var delay = _breaker.RetryAt - _time.GetUtcNow();
            delay.TotalSeconds.ShouldBeInRange(whole / 2, whole);

            _time.Advance(delay - TimeSpan.FromMilliseconds(10));
            _time.PendingTimers.ShouldBe(1);
            Volatile.Read(ref _failed).ShouldBe(attempt);
            _time.Advance(TimeSpan.FromMilliseconds(20));
        }
    }

    [Fact]
    public async Task Opener_OpensNothing_WhenTheNeedHasGoneWhileItWaited()
    {
        _need = 1;
        _failure = new UpstreamException(FailureKind.Unreachable, "refused");
        _opener.Start();
        await Eventually.HoldsAsync(() => Volatile.Read(ref _failed) == 1 && _time.PendingTimers == 1);
        Volatile.Write(ref _failure, null);
        Volatile.Write(ref _need, 0);
        _mayOpen.Release(5);

        _time.Advance(TimeSpan.FromSeconds(1));
        Volatile.Write(ref _need, 1);
        _opener.Request();
        await Eventually.HoldsAsync(() => Volatile.Read(ref _opened) == 1 && _opener.Opening == 0);

        _mayOpen.CurrentCount.ShouldBe(4);
    }

    [Fact]
    public async Task Opener_SpreadsHandshakes_WithinTheBudget_AndSaysSo()
    {
        await using var opener = Opener(handshakesPerMinute: 6);
        _need = 10;
        _mayOpen.Release(10);
        opener.Start();
        await Eventually.HoldsAsync(() => Volatile.Read(ref _opened) == 3 && _time.PendingTimers == 1);
        _breaker.HeldBack!.ShouldContain("pool.handshakesPerMinute");
        _breaker.HeldBack!.ShouldContain("20 s");
        _timeline.Read().ShouldContain(step => step.What == "handshake held back");

        for (var opened = 4; opened <= 6; opened++)
        {
            _time.Advance(TimeSpan.FromSeconds(20.1));
            await Eventually.HoldsAsync(() => Volatile.Read(ref _opened) == opened && _time.PendingTimers == 1);
        }

        opener.Begun.ShouldBe(6);
        Volatile.Write(ref _need, 0);
        _time.Advance(TimeSpan.FromSeconds(20.1));
        await Eventually.HoldsAsync(() => _breaker.HeldBack is null);
        opener.Begun.ShouldBe(6);
    }

    [Fact]
    public async Task Opener_EndsAtOnce_WhenDisposedWhileItIsHeldBack()
    {
        var opener = Opener(handshakesPerMinute: 1);
        _need = 2;
        _mayOpen.Release(2);
        opener.Start();
        await Eventually.HoldsAsync(() => Volatile.Read(ref _opened) == 1 && _time.PendingTimers == 1);

        await opener.DisposeAsync();

        opener.Begun.ShouldBe(1);
        _breaker.HeldBack.ShouldBeNull();
    }

    [Fact]
    public async Task Reconsider_EndsTheBackOff_OfARefusalBesideAnotherSession()
    {
        await BackOffAsync(FailureKind.OneSession);
        _mayOpen.Release();

        _opener.Reconsider();

        await Eventually.HoldsAsync(() => Volatile.Read(ref _opened) == 1);
        _breaker.LastFailure.ShouldBeNull();
    }

    [Fact]
    public async Task Reconsider_LeavesTheBackOff_OfAnyOtherFailure()
    {
        await BackOffAsync(FailureKind.Unreachable);
        var due = _breaker.RetryAt;
        _mayOpen.Release();

        _opener.Reconsider();

        _breaker.RetryAt.ShouldBe(due);
        _time.Advance(due - _time.GetUtcNow() - TimeSpan.FromMilliseconds(10));
        await Eventually.HoldsAsync(() => _time.PendingTimers == 1);
        Volatile.Read(ref _opened).ShouldBe(0);
        _time.Advance(TimeSpan.FromMilliseconds(20));
        await Eventually.HoldsAsync(() => Volatile.Read(ref _opened) == 1);
    }

    /// <summary>The session in the way may go between the upstream's refusal and its arrival here.</summary>
    [Fact]
    public async Task Reconsider_LeavesNoBackOff_WhenTheHandshakeUnderWayIsRefusedAfterwards()
    {
        _need = 1;
        _failsTogether = new UpstreamException(FailureKind.OneSession, "already initialized");
        _opener.Start();
        await Eventually.HoldsAsync(() => Volatile.Read(ref _atOnce) == 1);

        _opener.Reconsider();
        _mayOpen.Release();
        // The clock stands still: only a handshake without a back-off comes.
        await Eventually.HoldsAsync(() => Volatile.Read(ref _failed) == 1 && Volatile.Read(ref _atOnce) == 1);
        Volatile.Write(ref _failsTogether, null);
        _mayOpen.Release();

        await Eventually.HoldsAsync(() => Volatile.Read(ref _opened) == 1);
    }

    [Fact]
    public async Task Reconsider_SparesOneBackOff_AndNotThatOfTheNextHandshake()
    {
        _need = 1;
        _failsTogether = new UpstreamException(FailureKind.OneSession, "already initialized");
        // The next handshake begins after the failure of this one.
        _afterFailure = TimeSpan.FromMilliseconds(1);
        _opener.Start();
        await Eventually.HoldsAsync(() => Volatile.Read(ref _atOnce) == 1);
        _opener.Reconsider();

        _mayOpen.Release(2);

        await Eventually.HoldsAsync(() => Volatile.Read(ref _failed) == 2 && _time.PendingTimers == 1);
        _breaker.RetryAt.ShouldBeGreaterThan(_time.GetUtcNow());
        _opener.Opening.ShouldBe(0);
    }

    [Fact]
    public async Task Opener_BeginsHandshakesAnew_WithoutCountingAFailure()
    {
        _need = 3;
        _opener.Start();
        await Eventually.HoldsAsync(() => Volatile.Read(ref _atOnce) == 3);

        _opener.BeginAnew();

        await Eventually.HoldsAsync(() => _opener.Begun == 6 && Volatile.Read(ref _atOnce) == 3);
        _breaker.LastFailure.ShouldBeNull();
        _failed.ShouldBe(0);
        _mayOpen.Release(3);
        await Eventually.HoldsAsync(() => Volatile.Read(ref _opened) == 3 && _opener.Opening == 0);
    }

    [Fact]
    public async Task Hasten_GivesUpOnlyWhatTookLong_AndNotAgainBeforeOneHasEnded()
    {
        _need = 3;
        _opener.Start();
        await Eventually.HoldsAsync(() => Volatile.Read(ref _atOnce) == 3);
        _opener.Hasten();
        _opener.CountLong().ShouldBe(0);
        _time.Advance(SessionOpener.Long + TimeSpan.FromSeconds(1));
        _opener.CountLong().ShouldBe(3);

        _opener.Hasten();
        await Eventually.HoldsAsync(() => _opener.Begun == 6 && Volatile.Read(ref _atOnce) == 3);
        _time.Advance(SessionOpener.Long + TimeSpan.FromSeconds(1));
        _opener.Hasten();

        _mayOpen.Release(3);
        await Eventually.HoldsAsync(() => Volatile.Read(ref _opened) == 3 && _opener.Opening == 0);
        _opener.Begun.ShouldBe(6);
    }

    [Fact]
    public async Task Hasten_EndsABackOff()
    {
        await BackOffAsync(FailureKind.Unreachable);
        _mayOpen.Release();

        _opener.Hasten();

        await Eventually.HoldsAsync(() => Volatile.Read(ref _opened) == 1);
    }

    [Fact]
    public async Task Hasten_LeavesAPauseThatTheUpstreamAskedFor()
    {
        _need = 1;
        _failure = new UpstreamException(FailureKind.Throttled, "slow down", retryAfter: TimeSpan.FromSeconds(90));
        _opener.Start();
        await Eventually.HoldsAsync(() => Volatile.Read(ref _failed) == 1 && _time.PendingTimers == 1);
        var due = _breaker.RetryAt;

        _opener.Hasten();

        _breaker.RetryAt.ShouldBe(due);
    }

    /// <summary>Until one has failed, and the opener waits for the next.</summary>
    private async Task BackOffAsync(FailureKind kind)
    {
        _need = 1;
        _failure = new UpstreamException(kind, "refused");
        _opener.Start();
        await Eventually.HoldsAsync(() => Volatile.Read(ref _failed) == 1 && _time.PendingTimers == 1);
        Volatile.Write(ref _failure, null);
    }

    private SessionOpener Opener(int handshakesPerMinute) => new(
        "up", () => Volatile.Read(ref _need), OpenAsync, OnFailure, _breaker, new HandshakeBudget(handshakesPerMinute, _time), Meters.Pool(_time), _timeline, _time, NullLogger.Instance);

    private void OnFailure()
    {
        if (_afterFailure > TimeSpan.Zero) _time.Advance(_afterFailure);
        Interlocked.Increment(ref _failed);
    }

    private TimeSpan _afterFailure;
    private Exception? _unforeseen;
    private UpstreamException? _failsTogether;

    private async Task<bool> OpenAsync(CancellationToken cancellationToken)
    {
        if (_unforeseen is { } bug) throw bug;
        if (Volatile.Read(ref _failure) is { } failure) throw failure;
        var now = Interlocked.Increment(ref _atOnce);
        InterlockedMax(ref _most, now);
        try
        {
            await _mayOpen.WaitAsync(cancellationToken);
            if (_failsTogether is { } together) throw together;
        }
        finally
        {
            Interlocked.Decrement(ref _atOnce);
        }

        Interlocked.Decrement(ref _need);
        Interlocked.Increment(ref _opened);
        return true;
    }

    private static void InterlockedMax(ref int most, int value)
    {
        for (var seen = Volatile.Read(ref most); value > seen; seen = Volatile.Read(ref most)) Interlocked.CompareExchange(ref most, value, seen);
    }
}
