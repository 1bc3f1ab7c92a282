using Shouldly;
using Testing;
using Xunit;

namespace ServiceDefaults.Tests.SharedTesting;

public sealed class ManualTimeProviderTests
{
    private readonly ManualTimeProvider _clock = new();
    private readonly List<string> _fired = [];

    [Fact]
    public void Advance_RunsTimersInTheOrderTheyAreDue_EachAtItsTime()
    {
        var start = _clock.GetUtcNow();
        using var late = Timer("late", 3);
        using var early = Timer("early", 1);
        using var never = Timer("never", 10);

        _clock.Advance(TimeSpan.FromSeconds(5));

        _fired.ShouldBe(["early at 1", "late at 3"]);
        _clock.GetUtcNow().ShouldBe(start.AddSeconds(5));
        _clock.PendingTimers.ShouldBe(1);

        ITimer Timer(string name, int seconds) => _clock.CreateTimer(
            _ => _fired.Add($"{name} at {(_clock.GetUtcNow() - start).TotalSeconds}"), null, TimeSpan.FromSeconds(seconds), Timeout.InfiniteTimeSpan);
    }

    [Fact]
    public void PeriodicTimer_FiresOnceForEachPeriodPassed_UntilDisposed()
    {
        var timer = _clock.CreateTimer(_ => _fired.Add("tick"), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2));

        _clock.Advance(TimeSpan.FromSeconds(6));
        _fired.Count.ShouldBe(3);

        timer.Dispose();
        timer.Dispose();
        timer.Change(TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan).ShouldBeFalse();
        _clock.Advance(TimeSpan.FromSeconds(60));
        _fired.Count.ShouldBe(3);
    }

    [Fact]
    public void Callback_MaySetItsTimerAgain_WithinTheSameAdvance()
    {
        ITimer? timer = null;
        timer = _clock.CreateTimer(
            _ =>
            {
                _fired.Add("again");
                timer!.Change(TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
            },
            null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);

        _clock.Advance(TimeSpan.FromSeconds(3));

        _fired.Count.ShouldBe(3);
        timer.Dispose();
    }

    [Fact]
    public async Task Timer_ThatIsDueAtOnce_RunsWithoutAnAdvance()
    {
        var fired = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var timer = _clock.CreateTimer(_ => fired.TrySetResult(), null, TimeSpan.Zero, Timeout.InfiniteTimeSpan);

        await fired.Task.WaitAsync(Eventually.Patience, TimeProvider.System);
    }

    [Fact]
    public async Task Delay_AndTimeout_FollowTheClock()
    {
        var delay = Task.Delay(TimeSpan.FromMinutes(5), _clock);
        using var timeout = new CancellationTokenSource(TimeSpan.FromMinutes(1), _clock);

        _clock.Advance(TimeSpan.FromMinutes(1));
        timeout.IsCancellationRequested.ShouldBeTrue();
        delay.IsCompleted.ShouldBeFalse();

        _clock.Advance(TimeSpan.FromMinutes(4));
        await delay.WaitAsync(Eventually.Patience, TimeProvider.System);
    }

    [Fact]
    public void Timestamps_CountInTheirOwnUnit()
    {
        var before = _clock.GetTimestamp();

        _clock.Advance(TimeSpan.FromDays(400));

        _clock.GetElapsedTime(before).ShouldBe(TimeSpan.FromDays(400));
        (_clock.GetTimestamp() - before).ShouldNotBe(TimeSpan.FromDays(400).Ticks);
    }

    [Fact]
    public async Task Timers_MayBeMadeAndEnded_WhileTheClockMoves()
    {
        var fired = 0;
        var makers = Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 500; i++)
            {
                using var kept = _clock.CreateTimer(_ => Interlocked.Increment(ref fired), null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
                _clock.Advance(TimeSpan.FromSeconds(1));
            }
        }));

        await Task.WhenAll(makers);

        // Each was due when its maker had advanced by its due time; nothing is left behind and none fired twice.
        fired.ShouldBe(2_000);
        _clock.PendingTimers.ShouldBe(0);
    }
}
