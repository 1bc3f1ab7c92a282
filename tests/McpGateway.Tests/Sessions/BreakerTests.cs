using McpGateway.Sessions;

namespace McpGateway.Tests.Sessions;

public sealed class BreakerTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly Breaker _breaker;

    public BreakerTests() => _breaker = new Breaker(_time, new Random(1));

    [Fact]
    public void Breaker_OpensAtTheThirdFailure_AndCloses_WhenTheNextAttemptIsDue()
    {
        Fail();
        Fail();
        _breaker.IsOpen.ShouldBeFalse();
        _breaker.ThrowIfOpen();

        var delay = Fail();
        var open = Should.Throw<UpstreamException>(_breaker.ThrowIfOpen);
        open.Kind.ShouldBe(FailureKind.Unreachable);
        open.Message.ShouldBe("refused");
        open.RetryAfter.ShouldBe(delay);

        _time.Advance(delay);
        _breaker.IsOpen.ShouldBeFalse();
    }

    [Fact]
    public void Breaker_WaitsTwiceAsLongEachTime_UpToHalfAMinute_LessUpToAHalf()
    {
        for (var (attempt, whole) = (1, 0.5); attempt <= 20; attempt++, whole = Math.Min(whole * 2, 30)) Fail().TotalSeconds.ShouldBeInRange(whole / 2, whole);
    }

    /// <summary>Whose the session in the way is, and when it goes, may never be heard of here.</summary>
    [Fact]
    public void Breaker_WaitsShorter_AndLetsCallersTryAgainSoon_BesideAnothersSession()
    {
        var delay = TimeSpan.Zero;
        for (var (attempt, whole) = (1, 0.5); attempt <= 20; attempt++, whole = Math.Min(whole * 2, 5))
        {
            delay = _breaker.RecordFailure(new UpstreamException(FailureKind.OneSession, "already initialized"));
            delay.TotalSeconds.ShouldBeInRange(whole / 2, whole);
        }

        Should.Throw<UpstreamException>(_breaker.ThrowIfOpen).RetryAfter.ShouldBe(TimeSpan.FromSeconds(1));
        _time.Advance(delay - TimeSpan.FromSeconds(0.5));
        Should.Throw<UpstreamException>(_breaker.ThrowIfOpen).RetryAfter.ShouldBe(TimeSpan.FromSeconds(0.5));
    }

    [Fact]
    public void Breaker_ForgetsFailures_AfterASuccess()
    {
        for (var i = 0; i < 5; i++) Fail();

        _breaker.RecordSuccess();

        _breaker.IsOpen.ShouldBeFalse();
        _breaker.LastFailure.ShouldBeNull();
        Fail().TotalSeconds.ShouldBeInRange(0.25, 0.5);
    }

    [Fact]
    public void Breaker_OpensAtOnce_WhenTheCredentialIsRefused()
    {
        _breaker.RecordFailure(new UpstreamException(FailureKind.Unauthorized, "no")).ShouldBe(TimeSpan.FromMinutes(5));

        Should.Throw<UpstreamException>(_breaker.ThrowIfOpen).Kind.ShouldBe(FailureKind.Unauthorized);
    }

    [Fact]
    public void Breaker_WaitsAsLongAsItIsAsked()
    {
        _breaker.RecordFailure(new UpstreamException(FailureKind.Throttled, "slow", retryAfter: TimeSpan.FromSeconds(77))).ShouldBe(TimeSpan.FromSeconds(77));

        _breaker.RetryAt.ShouldBe(_time.GetUtcNow() + TimeSpan.FromSeconds(77));
        Should.Throw<UpstreamException>(_breaker.ThrowIfOpen).RetryAfter.ShouldBe(TimeSpan.FromSeconds(77));
    }

    /// <summary>An upstream that asks for no wait would be asked in a tight loop, and one that asks for years could not be waited for by any timer.</summary>
    [Theory]
    [InlineData(0, 0.5)]
    [InlineData(1e9, 3600)]
    public void Breaker_WaitsWithinReason_WhateverItIsAsked(double asked, double waited) =>
        _breaker.RecordFailure(new UpstreamException(FailureKind.Throttled, "slow", retryAfter: TimeSpan.FromSeconds(asked))).TotalSeconds.ShouldBe(waited);

    private TimeSpan Fail() => _breaker.RecordFailure(new UpstreamException(FailureKind.Unreachable, "refused"));
}
