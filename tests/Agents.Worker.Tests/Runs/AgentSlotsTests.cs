using Agents.Worker.Runs;
using Microsoft.Extensions.Options;

namespace Agents.Worker.Tests.Runs;

public sealed class AgentSlotsTests
{
    [Fact]
    public async Task Slot_GoesToTheOtherRun_WhenABigRunGivesOneBack()
    {
        using var slots = Slots(2);
        using SemaphoreSlim big = new(2), small = new(2);
        var first = await slots.TakeAsync(big, CancellationToken.None);
        using var second = await slots.TakeAsync(big, CancellationToken.None);
        var third = slots.TakeAsync(big, CancellationToken.None);
        var other = slots.TakeAsync(small, CancellationToken.None);

        first.Dispose();

        using var theirs = await other.WaitAsync(Eventually.Patience, TimeProvider.System, TestContext.Current.CancellationToken);
        third.IsCompleted.ShouldBeFalse("the big run has its second agent at work, and the other run waited");
        second.Dispose();
        (await third.WaitAsync(Eventually.Patience, TimeProvider.System, TestContext.Current.CancellationToken)).Dispose();
    }

    [Fact]
    public async Task Slot_IsGivenBackOnce_WhenDisposedTwice()
    {
        using var slots = Slots(1);
        using SemaphoreSlim perRun = new(5, 5);
        var slot = await slots.TakeAsync(perRun, CancellationToken.None);

        slot.Dispose();
        slot.Dispose();

        using var next = await slots.TakeAsync(perRun, CancellationToken.None);
        slots.TakeAsync(perRun, CancellationToken.None).IsCompleted.ShouldBeFalse();
    }

    [Fact]
    public async Task Wait_LeavesNothingTaken_WhenCancelled()
    {
        using var slots = Slots(1);
        using SemaphoreSlim perRun = new(2, 2);
        using var cancel = new CancellationTokenSource();
        using var slot = await slots.TakeAsync(perRun, CancellationToken.None);
        var waiting = slots.TakeAsync(perRun, cancel.Token);

        await cancel.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => waiting);
        perRun.CurrentCount.ShouldBe(1);
    }

    private static AgentSlots Slots(int agents) => new(Options.Create(new WorkerOptions { MaxAgents = agents }));
}
