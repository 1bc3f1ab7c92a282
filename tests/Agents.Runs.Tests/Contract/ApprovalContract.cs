namespace Agents.Runs.Tests.Contract;

/// <summary>What every store must do with calls that wait for somebody's consent.</summary>
public abstract class ApprovalContract
{
    private static readonly ApprovalDecision Yes = new(true, null, "ann");
    private static readonly ApprovalDecision No = new(false, "not on Fridays", "bob");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    protected abstract RunsBackend NewBackend();

    [Fact]
    public async Task Request_IsKeptAndAnnounced_Once()
    {
        await using var backend = NewBackend();
        var (worker, api) = (await backend.OpenAsync(), await backend.OpenAsync());
        var lease = await worker.SubmitAndClaimAsync();

        var first = await worker.Store.RequestApprovalsAsync(lease, [Request("a")], Cancel);
        var again = await worker.Store.RequestApprovalsAsync(lease, [Request("a"), Request("b")], Cancel);

        first.ShouldHaveSingleItem().State.ShouldBe(ApprovalState.Pending);
        again.Select(approval => approval.Id).ShouldBe(["a", "b"]);
        var run = await api.GetAsync(lease.RunId);
        run.State.ShouldBe(RunState.Running);
        run.Approvals.ShouldNotBeNull().Select(approval => (approval.Id, approval.Agent, approval.Tool)).ShouldBe([("a", "tester", "delete_file"), ("b", "tester", "delete_file")]);
        run.Approvals[0].Arguments.GetProperty("path").GetString().ShouldBe("x");
        var events = (await api.AllEventsAsync(lease.RunId)).Where(e => e.Type == RunEventTypes.Approval).ToList();
        events.Select(e => e.Data.GetProperty("id").GetString()).ShouldBe(["a", "b"]);
        events[0].Data.GetProperty("state").GetString().ShouldBe("pending");
    }

    [Fact]
    public async Task ParkedRun_WaitsWithoutAWorker_AndIsTakenAgain_WhenDecided()
    {
        await using var backend = NewBackend();
        var (worker, api) = (await backend.OpenAsync(), await backend.OpenAsync());
        var lease = await worker.SubmitAndClaimAsync();
        await worker.Store.SaveAsync(lease, new RunChange { Checkpoint = new AgentCheckpoint("tester", Sample.Json("1")) }, Cancel);
        await worker.Store.RequestApprovalsAsync(lease, [Request("a"), Request("b")], Cancel);

        await worker.Queue.ParkAsync(lease, ["a", "b"], Cancel);
        backend.Time.Advance(TimeSpan.FromDays(3));

        (await api.Queue.ReapAsync(Cancel)).ShouldBe(0, "nobody's lease runs out");
        (await api.Queue.TryClaimAsync("w2", Cancel)).ShouldBeNull();
        (await api.GetAsync(lease.RunId)).State.ShouldBe(RunState.WaitingApproval);
        (await api.Store.ListAsync(new RunFilter { State = RunState.WaitingApproval }, Cancel)).Runs.ShouldHaveSingleItem();
        await Should.ThrowAsync<LeaseLostException>(() => worker.Events.AppendAsync(lease, [Sample.Delta("late")], Cancel));
        await Should.ThrowAsync<LeaseLostException>(() => worker.Store.BeginToolCallAsync(lease, Sample.Call(), Cancel));
        await Should.ThrowAsync<LeaseLostException>(() => worker.Store.RequestApprovalsAsync(lease, [Request("c")], Cancel));

        var answer = await api.Store.DecideApprovalAsync(lease.RunId, "b", No, Cancel);

        answer.Outcome.ShouldBe(ApprovalOutcome.Decided);
        answer.Approval.ShouldNotBeNull();
        (answer.Approval.State, answer.Approval.Reason, answer.Approval.DecidedBy).ShouldBe((ApprovalState.Denied, "not on Fridays", "bob"));
        var next = (await worker.Queue.TryClaimAsync("w2", Cancel)).ShouldNotBeNull();
        next.Attempt.ShouldBe(2);
        var run = await worker.GetAsync(lease.RunId);
        run.FailedAttempts.ShouldBe(0, "waiting costs no attempt");
        run.Approvals!.Select(approval => approval.State).ShouldBe([ApprovalState.Pending, ApprovalState.Denied]);
        (await worker.Store.GetCheckpointsAsync(lease.RunId, Cancel)).ShouldHaveSingleItem();
        var states = (await worker.AllEventsAsync(lease.RunId)).Where(e => e.Type == RunEventTypes.RunState).Select(e => e.Data.GetProperty("state").GetString());
        states.ShouldBe(["queued", "running", "waiting_approval", "queued", "running"]);
    }

    [Fact]
    public async Task Run_IsQueuedAtOnce_WhenItParksBehindADecision()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var lease = await runs.SubmitAndClaimAsync();
        await runs.Store.RequestApprovalsAsync(lease, [Request("a")], Cancel);

        (await runs.Store.DecideApprovalAsync(lease.RunId, "a", Yes, Cancel)).Outcome.ShouldBe(ApprovalOutcome.Decided);
        (await runs.GetAsync(lease.RunId)).State.ShouldBe(RunState.Running, "the worker goes on");
        await runs.Queue.ParkAsync(lease, ["a"], Cancel);

        (await runs.Queue.TryClaimAsync("w2", Cancel)).ShouldNotBeNull().RunId.ShouldBe(lease.RunId);
    }

    [Fact]
    public async Task Decision_IsMadeOnce_WhenManyDecideAtOnce()
    {
        await using var backend = NewBackend();
        var processes = new[] { await backend.OpenAsync(), await backend.OpenAsync() };
        var lease = await processes[0].SubmitAndClaimAsync();
        await processes[0].Store.RequestApprovalsAsync(lease, [Request("a")], Cancel);
        await processes[0].Queue.ParkAsync(lease, ["a"], Cancel);

        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(i =>
            Task.Run(() => processes[i % 2].Store.DecideApprovalAsync(lease.RunId, "a", i % 3 == 0 ? Yes : No, Cancel), Cancel)));

        answers.Count(answer => answer.Outcome == ApprovalOutcome.Decided).ShouldBe(1);
        answers.Count(answer => answer.Outcome == ApprovalOutcome.AlreadyDecided).ShouldBe(9);
        answers.Select(answer => answer.Approval!.State).Distinct().ShouldHaveSingleItem();
        (await processes[1].Queue.TryClaimAsync("w2", Cancel)).ShouldNotBeNull();
        (await processes[1].Queue.TryClaimAsync("w3", Cancel)).ShouldBeNull();
    }

    [Fact]
    public async Task Decision_IsRefused_WhenNothingOfThatNameWaitsAnyMore()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var lease = await runs.SubmitAndClaimAsync();
        await runs.Store.RequestApprovalsAsync(lease, [Request("a")], Cancel);
        await runs.Queue.ParkAsync(lease, ["a"], Cancel);

        (await runs.Store.DecideApprovalAsync(lease.RunId, "b", Yes, Cancel)).ShouldBe(new ApprovalAnswer(ApprovalOutcome.NotFound, null));
        (await runs.Store.DecideApprovalAsync("run_none", "a", Yes, Cancel)).ShouldBe(new ApprovalAnswer(ApprovalOutcome.NotFound, null));
        (await runs.Store.RequestCancelAsync(lease.RunId, Cancel))!.State.ShouldBe(RunState.Cancelled, "nobody works on it");
        (await runs.Store.DecideApprovalAsync(lease.RunId, "a", Yes, Cancel)).Outcome.ShouldBe(ApprovalOutcome.RunEnded);
        (await runs.AllEventsAsync(lease.RunId))[^1].Type.ShouldBe(RunEventTypes.RunEnd);
    }

    private static ApprovalRequest Request(string id) => new(id, "tester", "delete_file", Sample.Json("""{"path":"x"}"""));
}
