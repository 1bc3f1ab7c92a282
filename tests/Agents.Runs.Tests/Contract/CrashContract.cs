namespace Agents.Runs.Tests.Contract;

/// <summary>
/// What every store must stand: a process that ends between any two of its writes. For Redis these are all the commands it sends, for SQLite the
/// commits of its transactions; what a transaction or a script does is one. Each test lets a process end at its first step, then at its second,
/// and so on until it gets through.
/// </summary>
public abstract class CrashContract
{
    private static readonly TimeSpan PastEverything = TimeSpan.FromMinutes(2);
    private static readonly SubmissionKey Key = new("ann", "order-1", "f");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    protected abstract RunsBackend NewBackend();

    [Fact]
    public async Task Run_IsCompletedByTheNextOwner_WhereverTheFirstEnded()
    {
        var step = 0;
        bool crashed;
        do
        {
            crashed = await LiveAsync(++step);
        }
        while (crashed);

        step.ShouldBeGreaterThan(12, "every write of a whole run was a place to end");
    }

    [Theory]
    [InlineData("hand back")]
    [InlineData("abandon")]
    [InlineData("cancel a queued run")]
    [InlineData("cancel a running run")]
    [InlineData("reap")]
    [InlineData("end")]
    [InlineData("park")]
    [InlineData("approve")]
    public async Task Run_IsClaimedOrEnded_WhereverAProcessEndedInAChange(string change)
    {
        var step = 0;
        bool crashed;
        do
        {
            crashed = await ChangeAsync(++step, change);
        }
        while (crashed);

        step.ShouldBeGreaterThan(2);
    }

    [Fact]
    public async Task Run_IsWholeOrGone_WhereverAProcessEndedInItsDeletion()
    {
        var step = 0;
        bool crashed;
        do
        {
            await using var backend = NewBackend();
            var crash = new Crash();
            var doomed = await backend.OpenDoomedAsync(crash.Step);
            var next = await backend.OpenAsync();
            var lease = await doomed.SubmitAndClaimAsync();
            await doomed.Store.EndAsync(lease, RunState.Completed, null, Cancel);
            crash.Arm(++step);
            crashed = !await crash.SurvivesAsync(() => doomed.Store.DeleteAsync(lease.RunId, Cancel));

            if (await next.Store.GetAsync(lease.RunId, Cancel) is not null)
                (await next.Store.DeleteAsync(lease.RunId, Cancel)).ShouldBe(RunDeletion.Deleted);
            (await next.AllEventsAsync(lease.RunId)).ShouldBeEmpty();
            (await next.Store.ListAsync(new RunFilter(), Cancel)).Runs.ShouldBeEmpty();
            (await next.Store.ListAsync(new RunFilter { State = RunState.Completed }, Cancel)).Runs.ShouldBeEmpty();
            (await next.Store.ReadConversationAsync(null, "c1", 5, Cancel)).ShouldBeEmpty();
        }
        while (crashed);

        step.ShouldBeGreaterThan(2);
    }

    /// <returns>Whether the process ended before it was through.</returns>
    private async Task<bool> LiveAsync(int step)
    {
        await using var backend = NewBackend();
        var executions = SmallWorker.Executions.Value = [0];
        var crash = new Crash();
        var doomed = await backend.OpenDoomedAsync(crash.Step);
        var next = await backend.OpenAsync();
        var run = Sample.Run(SmallWorker.Agent);
        crash.Arm(step);
        var acknowledged = false;
        await crash.SurvivesAsync(async () =>
        {
            await doomed.Store.CreateOnceAsync(run, Key, Cancel);
            acknowledged = true;
            await doomed.Queue.EnqueueAsync(run.Id, Cancel);
            if (await doomed.Queue.TryClaimAsync("doomed", Cancel) is { } lease) await new SmallWorker(doomed).WorkAsync(lease);
        });

        // A client that got no answer asks again.
        if (!acknowledged) run = (await next.Store.CreateOnceAsync(run with { Id = AgentRun.NewId(TimeProvider.System) }, Key, Cancel)).Run!;
        backend.Time.Advance(PastEverything);
        await next.Queue.ReapAsync(Cancel);
        // Redis gives a hint that a lost worker had in hand to another after a moment, by its own clock.
        if (!(await next.GetAsync(run.Id)).State.IsEnded())
            await new SmallWorker(next).WorkAsync(await next.Queue.ClaimAsync("next", Cancel).WaitAsync(Eventually.Patience, Cancel));
        await next.Queue.ReapAsync(Cancel);

        await CheckAsync(next, run.Id, $"step {step}");
        var ended = await next.GetAsync(run.Id);
        ended.State.ShouldBe(RunState.Completed, $"step {step}");
        ended.FailedAttempts.ShouldBeLessThanOrEqualTo(1);
        executions[0].ShouldBeLessThanOrEqualTo(1, $"step {step}: a call was repeated");
        var events = await next.AllEventsAsync(run.Id);
        var told = events.Where(e => e.Type == RunEventTypes.TextDelta).Select(e => e.Data.GetProperty("text").GetString()).ToList();
        var resets = events.Count(e => e.Type == RunEventTypes.TurnReset);
        (told.Count - told.Distinct().Count()).ShouldBeLessThanOrEqualTo(resets, $"step {step}: a turn was repeated unannounced");
        events.Count(e => e.Type == RunEventTypes.ToolCall).ShouldBe(1);
        events.Count(e => e.Type == RunEventTypes.ToolResult).ShouldBe(1);
        return crash.Happened;
    }

    /// <returns>Whether the process ended before it was through.</returns>
    private async Task<bool> ChangeAsync(int step, string change)
    {
        await using var backend = NewBackend();
        var crash = new Crash();
        var doomed = await backend.OpenDoomedAsync(crash.Step);
        var next = await backend.OpenAsync();
        var run = await doomed.SubmitAsync();
        var lease = change == "cancel a queued run" ? null : await doomed.Queue.TryClaimAsync("doomed", Cancel);
        if (change is "park" or "approve") await doomed.Store.RequestApprovalsAsync(lease!, [new ApprovalRequest("a", "tester", "rm", Sample.Json("{}"))], Cancel);
        if (change == "approve") await doomed.Queue.ParkAsync(lease!, ["a"], Cancel);
        if (change == "reap") backend.Time.Advance(PastEverything);
        crash.Arm(step);
        await crash.SurvivesAsync(() => change switch
        {
            "hand back" => doomed.Queue.HandBackAsync(lease!, Cancel),
            "abandon" => doomed.Queue.AbandonAsync(lease!, "x.", Cancel),
            "reap" => doomed.Queue.ReapAsync(Cancel),
            "park" => doomed.Queue.ParkAsync(lease!, ["a"], Cancel),
            "approve" => doomed.Store.DecideApprovalAsync(run.Id, "a", new ApprovalDecision(true, null, null), Cancel),
            "end" => doomed.Store.EndAsync(lease!, RunState.Failed, "x", Cancel),
            _ => doomed.Store.RequestCancelAsync(run.Id, Cancel),
        });

        backend.Time.Advance(PastEverything);
        await next.Queue.ReapAsync(Cancel);
        // Whoever was not answered decides again; the first decision holds.
        if (change is "park" or "approve") await next.Store.DecideApprovalAsync(run.Id, "a", new ApprovalDecision(true, null, null), Cancel);
        var claimed = await next.Queue.TryClaimAsync("next", Cancel);
        if (!(await next.GetAsync(run.Id)).State.IsEnded())
        {
            claimed.ShouldNotBeNull($"step {step} of {change}: the run waits for nobody");
            await next.Store.EndAsync(claimed, RunState.Completed, null, Cancel);
        }

        await CheckAsync(next, run.Id, $"step {step} of {change}");
        (await next.GetAsync(run.Id)).FailedAttempts.ShouldBeLessThanOrEqualTo(1);
        return crash.Happened;
    }

    /// <summary>What holds of an ended run, however it got there.</summary>
    private static async Task CheckAsync(RunsInstance runs, string runId, string where)
    {
        var run = await runs.GetAsync(runId);
        var events = await runs.AllEventsAsync(runId);
        run.State.IsEnded().ShouldBeTrue($"{where}: {run.State}");
        events.Select(e => e.Sequence).ShouldBe(Enumerable.Range(1, events.Count).Select(n => (long)n), where);
        events[0].Type.ShouldBe(RunEventTypes.RunState, where);
        events[^1].Type.ShouldBe(RunEventTypes.RunEnd, where);
        events.Count(e => e.Type == RunEventTypes.RunEnd).ShouldBe(1, where);
        (await runs.Store.ListAsync(new RunFilter(), Cancel)).Runs.ShouldHaveSingleItem(where).Id.ShouldBe(runId);
        (await runs.Store.ListAsync(new RunFilter { State = run.State }, Cancel)).Runs.ShouldHaveSingleItem(where);
        (await runs.Store.ListAsync(new RunFilter { State = RunState.Queued }, Cancel)).Runs.ShouldBeEmpty(where);
        (await runs.Store.ListAsync(new RunFilter { State = RunState.Running }, Cancel)).Runs.ShouldBeEmpty(where);
        (await runs.Queue.TryClaimAsync("late", Cancel)).ShouldBeNull(where);
    }
}
