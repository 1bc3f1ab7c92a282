namespace Agents.Runs.Tests;

public sealed class ChangeSignalsTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Change_IsNotLost_WhenItFallsBetweenLookAndWait()
    {
        var signals = new ChangeSignals();
        using var subscription = signals.Subscribe("a");
        signals.Raise("a");

        await subscription.WaitAsync(Cancel).WaitAsync(TimeSpan.FromSeconds(5), Cancel);
    }

    [Fact]
    public async Task Changes_CostOneLook_WhenTheyPileUp()
    {
        var signals = new ChangeSignals();
        using var subscription = signals.Subscribe("a");
        for (var i = 0; i < 100; i++)
            signals.Raise("a");

        await subscription.WaitAsync(Cancel);

        subscription.WaitAsync(Cancel).IsCompleted.ShouldBeFalse();
    }

    [Fact]
    public void Change_WakesItsOwnTopicOnly_WhenRaised()
    {
        var signals = new ChangeSignals();
        using var a = signals.Subscribe("a");
        using var b = signals.Subscribe("b");
        var left = signals.Subscribe("a");
        left.Dispose();
        left.Dispose();

        signals.Raise("a");

        a.WaitAsync(Cancel).IsCompleted.ShouldBeTrue();
        b.WaitAsync(Cancel).IsCompleted.ShouldBeFalse();
        left.WaitAsync(Cancel).IsCompleted.ShouldBeFalse();
    }
}
