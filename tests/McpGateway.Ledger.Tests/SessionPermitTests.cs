using McpGateway.Sessions;
using McpGateway.Sessions.Ledger;

namespace McpGateway.Ledger.Tests;

/// <summary>A permit's time, by a clock of the test's own.</summary>
public sealed class SessionPermitTests
{
    private static readonly PermitTimes s_times = PermitTimes.Of(TimeSpan.FromSeconds(15));

    private readonly ManualTimeProvider _clock = new();
    private int _released;

    [Fact]
    public async Task Permit_IsLostHere_BeforeAnotherMayHaveIt()
    {
        await using var permit = Take();
        _clock.Advance(TimeSpan.FromSeconds(14));
        permit.Lost.IsCancellationRequested.ShouldBeFalse();

        _clock.Advance(TimeSpan.FromSeconds(1.1));
        (permit.Lost.IsCancellationRequested, permit.MayBeAnothers).ShouldBe((true, false));

        _clock.Advance(TimeSpan.FromSeconds(5));
        permit.MayBeAnothers.ShouldBeTrue();
    }

    [Fact]
    public async Task Renewal_CountsFromBeforeTheStoreWasAsked()
    {
        await using var permit = Take();
        var asked = _clock.GetTimestamp();
        _clock.Advance(TimeSpan.FromSeconds(10));
        permit.Renewed(asked);
        _clock.Advance(TimeSpan.FromSeconds(5.1));
        permit.Lost.IsCancellationRequested.ShouldBeTrue();
    }

    [Fact]
    public async Task Renewal_KeepsIt_AndComesTooLateOnceItIsLost()
    {
        await using var permit = Take();
        _clock.Advance(TimeSpan.FromSeconds(10));
        permit.Renewed(_clock.GetTimestamp());
        _clock.Advance(TimeSpan.FromSeconds(14));
        permit.Lost.IsCancellationRequested.ShouldBeFalse();
        _clock.Advance(TimeSpan.FromSeconds(6.1));
        permit.Lost.IsCancellationRequested.ShouldBeTrue();

        permit.Renewed(_clock.GetTimestamp());

        permit.MayBeAnothers.ShouldBeTrue();
    }

    [Fact]
    public async Task Taken_LosesItAtOnce()
    {
        await using var permit = Take();

        permit.Taken();

        (permit.Lost.IsCancellationRequested, permit.MayBeAnothers).ShouldBe((true, true));
    }

    [Fact]
    public async Task Disposal_GivesItBackOnce_AndItIsNotLostAfterwards()
    {
        var permit = Take();
        await permit.DisposeAsync();
        await permit.DisposeAsync();
        _clock.Advance(TimeSpan.FromMinutes(1));

        _released.ShouldBe(1);
        permit.Lost.IsCancellationRequested.ShouldBeFalse();
    }

    private SessionPermit Take() => new("up", "owner 1", _clock.GetTimestamp(), s_times, _ => Task.FromResult(++_released), _clock);
}

/// <summary>Permits of two gateways in a real Redis.</summary>
public sealed class RedisSessionPermitsTests : IAsyncLifetime
{
    private static readonly TimeSpan s_long = TimeSpan.FromMinutes(10);

    private readonly RedisServer _server = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => _server.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Take_IsRefused_UntilTheOtherGivesItBack()
    {
        var (one, two) = (Open("one"), Open("two"));
        var held = (await one.TakeAsync("up", Cancellation))!;
        await using var elsewhere = await two.TakeAsync("other", Cancellation);

        var refused = await Should.ThrowAsync<UpstreamException>(() => two.TakeAsync("up", Cancellation));
        refused.Kind.ShouldBe(FailureKind.OneSession);
        refused.Message.ShouldContain("another gateway (one)");
        refused.RetryAfter.ShouldBe(TimeSpan.FromSeconds(1));

        await held.DisposeAsync();
        await using var next = await two.TakeAsync("up", Cancellation);
        next.ShouldNotBeNull();
    }

    [Fact]
    public async Task Take_WaitsForThisGatewaysOwnEarlierSession()
    {
        var permits = Open("one");
        var held = (await permits.TakeAsync("up", Cancellation))!;
        var next = permits.TakeAsync("up", Cancellation);
        next.IsCompleted.ShouldBeFalse();
        using (var gone = new CancellationTokenSource())
        {
            var givenUp = permits.TakeAsync("up", gone.Token);
            await gone.CancelAsync();
            await Should.ThrowAsync<OperationCanceledException>(() => givenUp);
        }

        await held.DisposeAsync();

        await using var taken = await next;
        taken.ShouldNotBeNull().Value.ShouldNotBe(held.Value);
    }

    [Fact]
    public async Task Take_SucceedsAgain_WhenItsAnswerWasLost()
    {
        var store = _server.Open();
        await store.EvaluateAsync("return redis.call('SET', KEYS[1], 'one 7', 'PX', 60000)", ["{mcp-gateway}:permit:up"], [], Cancellation);

        await Should.ThrowAsync<UpstreamException>(() => Open("on").TakeAsync("up", Cancellation));
        await using var taken = await Open("one").TakeAsync("up", Cancellation);
        taken.ShouldNotBeNull();
    }

    [Fact]
    public async Task Release_LeavesWhatAnotherHasTakenSince_AndRenewalFindsOut()
    {
        var one = Open("one");
        var held = (await one.TakeAsync("up", Cancellation))!;
        await _server.Open().EvaluateAsync("return redis.call('DEL', KEYS[1])", ["{mcp-gateway}:permit:up"], [], Cancellation);
        var two = Open("two");
        await using var taken = (await two.TakeAsync("up", Cancellation))!;

        await one.RenewAsync(Cancellation);
        held.Lost.IsCancellationRequested.ShouldBeTrue();
        await held.DisposeAsync();

        await two.RenewAsync(Cancellation);
        taken.Lost.IsCancellationRequested.ShouldBeFalse();
        (await Should.ThrowAsync<UpstreamException>(() => one.TakeAsync("up", Cancellation))).Message.ShouldContain("(two)");
    }

    [Fact]
    public async Task Renewal_WritesAgain_WhatTheStoreForgot()
    {
        var one = Open("one");
        await using var held = (await one.TakeAsync("up", Cancellation))!;
        await _server.Open().EvaluateAsync("return redis.call('DEL', KEYS[1])", ["{mcp-gateway}:permit:up"], [], Cancellation);

        await one.RenewAsync(Cancellation);

        held.Lost.IsCancellationRequested.ShouldBeFalse();
        await Should.ThrowAsync<UpstreamException>(() => Open("two").TakeAsync("up", Cancellation));
        ((long)await _server.Open().EvaluateAsync("return redis.call('PTTL', KEYS[1])", ["{mcp-gateway}:permit:up"], [], Cancellation)).ShouldBePositive();
    }

    [Fact]
    public async Task Take_SaysThatTheStoreIsAway()
    {
        var permits = Open("one");
        await using var held = (await permits.TakeAsync("other", Cancellation))!;
        await _server.Process.StopAsync();

        await Eventually.PassesAsync(async () =>
            (await Should.ThrowAsync<UpstreamException>(() => permits.TakeAsync("up", Cancellation))).Message.ShouldContain("cannot be found out: Redis does not answer"));
        await permits.RenewAsync(Cancellation);
        held.Lost.IsCancellationRequested.ShouldBeFalse();
    }

    [Fact]
    public async Task Take_TakesWhatADeadGatewayHeld_AndIsNotTakenBackByWhatItStillSent()
    {
        var one = Open("one");
        var held = (await one.TakeAsync("up", Cancellation))!;

        await using var taken = (await Open("two", dead: "one").TakeAsync("up", Cancellation)).ShouldNotBeNull();

        await one.RenewAsync(Cancellation);
        held.Lost.IsCancellationRequested.ShouldBeTrue();
        await held.DisposeAsync();
        (await Should.ThrowAsync<UpstreamException>(() => Open("three", dead: "one").TakeAsync("up", Cancellation))).Message.ShouldContain("(two)");
    }

    private RedisSessionPermits Open(string owner, string? dead = null) => new(_server.Open(), owner, holder => holder == dead, s_long, TimeProvider.System);
}
