namespace Agents.Runs.Tests.Contract;

/// <summary>What every <see cref="IWebhookOutbox"/> must do: owe a message for each change that is told, until it is delivered.</summary>
public abstract class WebhookContract
{
    private static readonly TimeSpan Hold = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    protected abstract RunsBackend NewBackend();

    [Fact]
    public async Task End_OwesOneMessage_WhichIsHeldByWhoTookIt()
    {
        await using var backend = NewBackend();
        var (one, two) = (await backend.OpenAsync(), await backend.OpenAsync());
        var run = await EndAsync(one);

        var taken = (await one.Webhooks.TakeAsync(Hold, Cancel)).ShouldNotBeNull();
        (taken.Id, taken.RunId, taken.Attempt, taken.TellsOfEnd).ShouldBe(($"{run.Id}.end", run.Id, 1, true));
        (await two.Webhooks.TakeAsync(Hold, Cancel)).ShouldBeNull();

        backend.Time.Advance(Hold + TimeSpan.FromSeconds(1));
        (await two.Webhooks.TakeAsync(Hold, Cancel)).ShouldNotBeNull().Attempt.ShouldBe(2, "who took it was lost");
        await two.Webhooks.RetryAsync(taken.Id, TimeSpan.FromMinutes(5), Cancel);
        backend.Time.Advance(TimeSpan.FromMinutes(4));
        (await one.Webhooks.TakeAsync(Hold, Cancel)).ShouldBeNull();
        backend.Time.Advance(TimeSpan.FromMinutes(2));
        (await one.Webhooks.TakeAsync(Hold, Cancel)).ShouldNotBeNull().Attempt.ShouldBe(3);

        await one.Webhooks.CompleteAsync(taken.Id, Cancel);
        await one.Webhooks.RetryAsync(taken.Id, TimeSpan.Zero, Cancel);
        backend.Time.Advance(TimeSpan.FromDays(1));
        await one.Queue.ReapAsync(Cancel);
        (await two.Webhooks.TakeAsync(Hold, Cancel)).ShouldBeNull("it was delivered");
    }

    [Fact]
    public async Task Message_GoesToOne_WhenManyTakeAtOnce()
    {
        await using var backend = NewBackend();
        var processes = new[] { await backend.OpenAsync(), await backend.OpenAsync() };
        for (var i = 0; i < 5; i++) await EndAsync(processes[0]);

        var taken = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => Task.Run(() => processes[i % 2].Webhooks.TakeAsync(Hold, Cancel), Cancel)));

        taken.OfType<WebhookDelivery>().Select(delivery => delivery.Id).ShouldBeUnique();
        taken.OfType<WebhookDelivery>().Count().ShouldBe(5);
    }

    [Fact]
    public async Task Wait_OwesAMessage_EachTimeTheRunWaits()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var run = await SubmitAsync(runs);
        for (var attempt = 1; attempt <= 2; attempt++)
        {
            var lease = (await runs.Queue.TryClaimAsync("w", Cancel)).ShouldNotBeNull();
            await runs.Store.RequestApprovalsAsync(lease, [new ApprovalRequest($"a{attempt}", "tester", "rm", Sample.Json("{}"))], Cancel);
            await runs.Queue.ParkAsync(lease, [$"a{attempt}"], Cancel);
            var taken = (await runs.Webhooks.TakeAsync(Hold, Cancel)).ShouldNotBeNull();
            (taken.Id, taken.TellsOfEnd).ShouldBe(($"{run.Id}.approval.{attempt}", false));
            await runs.Webhooks.CompleteAsync(taken.Id, Cancel);
            await runs.Store.DecideApprovalAsync(run.Id, $"a{attempt}", new ApprovalDecision(true, null, null), Cancel);
        }

        (await runs.Webhooks.TakeAsync(Hold, Cancel)).ShouldBeNull();
    }

    [Fact]
    public async Task Nothing_IsOwed_WithoutAWebhook()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var lease = await runs.SubmitAndClaimAsync();
        await runs.Store.EndAsync(lease, RunState.Completed, null, Cancel);

        (await runs.Webhooks.TakeAsync(Hold, Cancel)).ShouldBeNull();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Change_OwesItsMessageOnce_WhereverTheProcessEndedThatWroteIt(bool ends)
    {
        var step = 0;
        bool crashed;
        do
        {
            await using var backend = NewBackend();
            var crash = new Crash();
            var doomed = await backend.OpenDoomedAsync(crash.Step);
            var next = await backend.OpenAsync();
            var run = await SubmitAsync(doomed);
            var lease = (await doomed.Queue.TryClaimAsync("doomed", Cancel)).ShouldNotBeNull();
            await doomed.Store.RequestApprovalsAsync(lease, [new ApprovalRequest("a", "tester", "rm", Sample.Json("{}"))], Cancel);
            crash.Arm(++step);
            crashed = !await crash.SurvivesAsync(() => ends ? doomed.Store.EndAsync(lease, RunState.Completed, null, Cancel) : doomed.Queue.ParkAsync(lease, ["a"], Cancel));

            var happened = (await next.GetAsync(run.Id)).State is RunState.Completed or RunState.WaitingApproval;
            backend.Time.Advance(TimeSpan.FromMinutes(2));
            await next.Queue.ReapAsync(Cancel);
            var message = await next.Webhooks.TakeAsync(Hold, Cancel);
            message?.Id.ShouldBe(ends ? $"{run.Id}.end" : $"{run.Id}.approval.1");
            (message is not null).ShouldBe(happened, $"step {step}");
            if (message is not null) await next.Webhooks.CompleteAsync(message.Id, Cancel);
            await next.Queue.ReapAsync(Cancel);
            (await next.Webhooks.TakeAsync(Hold, Cancel)).ShouldBeNull($"step {step}: it was delivered");
        }
        while (crashed);

        step.ShouldBeGreaterThan(2);
    }

    private static async Task<AgentRun> SubmitAsync(RunsInstance runs)
    {
        var run = Sample.Run() with { Webhook = new RunWebhook { Url = "https://example.test/hook" } };
        await runs.Store.CreateAsync(run, Cancel);
        await runs.Queue.EnqueueAsync(run.Id, Cancel);
        return run;
    }

    private static async Task<AgentRun> EndAsync(RunsInstance runs)
    {
        var run = await SubmitAsync(runs);
        var lease = (await runs.Queue.TryClaimAsync("w", Cancel)).ShouldNotBeNull();
        await runs.Store.EndAsync(lease, RunState.Completed, null, Cancel);
        return run;
    }
}
