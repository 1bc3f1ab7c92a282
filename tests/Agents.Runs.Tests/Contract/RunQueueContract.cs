namespace Agents.Runs.Tests.Contract;

/// <summary>What every <see cref="IRunQueue"/> must do.</summary>
public abstract class RunQueueContract
{
    private static readonly TimeSpan PastLease = TimeSpan.FromSeconds(31);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    protected abstract RunsBackend NewBackend();

    [Fact]
    public async Task Queue_HandsOutOldestFirst_WhenClaimed()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var first = await runs.SubmitAsync();
        var second = await runs.SubmitAsync();

        var lease = (await runs.Queue.TryClaimAsync("w1", Cancel)).ShouldNotBeNull();
        lease.RunId.ShouldBe(first.Id);
        lease.Attempt.ShouldBe(1);
        (await runs.Queue.TryClaimAsync("w1", Cancel)).ShouldNotBeNull().RunId.ShouldBe(second.Id);
        (await runs.Queue.TryClaimAsync("w1", Cancel)).ShouldBeNull();
        var run = await runs.GetAsync(first.Id);
        run.State.ShouldBe(RunState.Running);
        run.StartedAt.ShouldNotBeNull();
    }

    [Fact]
    public async Task Queue_CountsWhatWaits_AsRunsComeAndGo()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        (await runs.Queue.CountAsync(Cancel)).ShouldBe(0);
        await runs.SubmitAsync();
        await runs.SubmitAsync();
        (await runs.Queue.CountAsync(Cancel)).ShouldBe(2);

        var lease = (await runs.Queue.TryClaimAsync("w", Cancel)).ShouldNotBeNull();
        (await runs.Queue.CountAsync(Cancel)).ShouldBe(1);
        await runs.Queue.HandBackAsync(lease, Cancel);
        (await runs.Queue.CountAsync(Cancel)).ShouldBe(2);
        await runs.Store.RequestCancelAsync(lease.RunId, Cancel);
        (await runs.Queue.CountAsync(Cancel)).ShouldBe(1);
    }

    [Fact]
    public async Task Claim_WakesUp_WhenAnotherProcessSubmits()
    {
        await using var backend = NewBackend();
        var worker = await backend.OpenAsync();
        var api = await backend.OpenAsync();
        var claim = worker.Queue.ClaimAsync("w1", Cancel);
        claim.IsCompleted.ShouldBeFalse();

        var run = await api.SubmitAsync();

        (await claim.WaitAsync(TimeSpan.FromSeconds(5), Cancel)).RunId.ShouldBe(run.Id);
    }

    [Fact]
    public async Task Claim_Finds_WhenEnqueueNeverHappened()
    {
        await using var backend = NewBackend();
        var api = await backend.OpenAsync();
        var worker = await backend.OpenAsync();
        var run = Sample.Run();
        await api.Store.CreateAsync(run, Cancel); // and here the api crashed

        (await worker.Queue.ClaimAsync("w1", Cancel).WaitAsync(TimeSpan.FromSeconds(5), Cancel)).RunId.ShouldBe(run.Id);
    }

    [Fact]
    public async Task Claim_LeavesTheQueueWhole_WhenCancelledWhileWaiting()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        using var stop = new CancellationTokenSource();
        var claim = runs.Queue.ClaimAsync("w1", stop.Token);
        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => claim);

        var run = await runs.SubmitAsync();

        (await runs.Queue.TryClaimAsync("w2", Cancel)).ShouldNotBeNull().RunId.ShouldBe(run.Id);
    }

    [Fact]
    public async Task Queue_GivesEachRunToOneWorker_WhenManyClaimAtOnce()
    {
        await using var backend = NewBackend();
        var processes = new[] { await backend.OpenAsync(), await backend.OpenAsync(), await backend.OpenAsync() };
        var submitted = new List<string>();
        for (var i = 0; i < 30; i++)
            submitted.Add((await processes[0].SubmitAsync()).Id);

        var claimed = await Task.WhenAll(processes.SelectMany((process, p) => Enumerable.Range(0, 4).Select(w => Task.Run(async () =>
        {
            var mine = new List<string>();
            while (await process.Queue.TryClaimAsync($"w{p}-{w}", Cancel) is { } lease)
                mine.Add(lease.RunId);
            return mine;
        }, Cancel))));

        claimed.SelectMany(ids => ids).Order().ShouldBe(submitted.Order());
    }

    [Fact]
    public async Task Lease_Holds_WhenRenewedInTime()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var lease = await runs.SubmitAndClaimAsync();

        for (var beat = 0; beat < 5; beat++)
        {
            backend.Time.Advance(TimeSpan.FromSeconds(10));
            var renewed = await runs.Queue.RenewAsync(lease, Cancel);
            renewed.ExpiresAt.ShouldBeGreaterThan(lease.ExpiresAt);
            lease = renewed;
            (await runs.Queue.ReapAsync(Cancel)).ShouldBe(0);
        }
    }

    [Fact]
    public async Task LostWorker_CanWriteNothing_WhenAnotherTookItsRun()
    {
        await using var backend = NewBackend();
        var paused = await backend.OpenAsync();
        var other = await backend.OpenAsync();
        var old = await paused.SubmitAndClaimAsync("w1");
        backend.Time.Advance(PastLease);
        (await other.Queue.ReapAsync(Cancel)).ShouldBe(1);
        var current = (await other.Queue.TryClaimAsync("w2", Cancel)).ShouldNotBeNull();
        current.Attempt.ShouldBe(2);
        var before = await other.AllEventsAsync(old.RunId);

        await Should.ThrowAsync<LeaseLostException>(() => paused.Queue.RenewAsync(old, Cancel));
        await Should.ThrowAsync<LeaseLostException>(() => paused.Store.SaveAsync(old, new RunChange { Events = [Sample.Delta("x")] }, Cancel));
        await Should.ThrowAsync<LeaseLostException>(() => paused.Store.BeginToolCallAsync(old, Sample.Call(), Cancel));
        await Should.ThrowAsync<LeaseLostException>(() => paused.Store.EndAsync(old, RunState.Completed, null, Cancel));
        await Should.ThrowAsync<LeaseLostException>(() => paused.Events.AppendAsync(old, [Sample.Delta("x")], Cancel));
        await Should.ThrowAsync<LeaseLostException>(() => paused.Queue.HandBackAsync(old, Cancel));
        await Should.ThrowAsync<LeaseLostException>(() => paused.Queue.AbandonAsync(old, "x", Cancel));
        (await paused.Queue.WatchAsync(old, Cancel)).ShouldBe(LeaseSignal.Lost);

        (await other.AllEventsAsync(old.RunId)).Count.ShouldBe(before.Count);
        await other.Store.EndAsync(current, RunState.Completed, null, Cancel);
        (await other.GetAsync(old.RunId)).State.ShouldBe(RunState.Completed);
    }

    [Fact]
    public async Task LostWorker_CanWriteNothing_WhenTheRunOnlyWaitsAgain()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var lease = await runs.SubmitAndClaimAsync();
        backend.Time.Advance(PastLease);
        await runs.Queue.ReapAsync(Cancel);

        await Should.ThrowAsync<LeaseLostException>(() => runs.Events.AppendAsync(lease, [Sample.Delta("x")], Cancel));
    }

    [Fact]
    public async Task Run_FailsWithTheReasons_WhenThreeAttemptsWereLost()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var run = await runs.SubmitAsync();

        await runs.Queue.TryClaimAsync("w1", Cancel);
        backend.Time.Advance(PastLease);
        await runs.Queue.ReapAsync(Cancel);
        await runs.Queue.AbandonAsync((await runs.Queue.TryClaimAsync("w2", Cancel)).ShouldNotBeNull(), "out of memory.", Cancel);
        (await runs.GetAsync(run.Id)).State.ShouldBe(RunState.Queued);
        await runs.Queue.TryClaimAsync("w3", Cancel);
        backend.Time.Advance(PastLease);
        await runs.Queue.ReapAsync(Cancel);

        var failed = await runs.GetAsync(run.Id);
        failed.State.ShouldBe(RunState.Failed);
        failed.FailedAttempts.ShouldBe(3);
        failed.Error.ShouldNotBeNull().ShouldContain("w1");
        failed.Error.ShouldContain("out of memory");
        failed.Error.ShouldContain("w3");
        (await runs.Queue.TryClaimAsync("w4", Cancel)).ShouldBeNull();
        (await runs.AllEventsAsync(run.Id))[^1].Type.ShouldBe(RunEventTypes.RunEnd);
    }

    [Fact]
    public async Task HandBack_CostsNoAttempt_WhenRepeated()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var run = await runs.SubmitAsync();

        for (var i = 1; i <= 5; i++)
        {
            var lease = (await runs.Queue.TryClaimAsync("w1", Cancel)).ShouldNotBeNull();
            lease.Attempt.ShouldBe(i);
            await runs.Queue.HandBackAsync(lease, Cancel);
            await Should.ThrowAsync<LeaseLostException>(() => runs.Queue.HandBackAsync(lease, Cancel));
        }

        var handedBack = await runs.GetAsync(run.Id);
        handedBack.State.ShouldBe(RunState.Queued);
        handedBack.FailedAttempts.ShouldBe(0);
    }

    [Fact]
    public async Task HandBack_KeepsWhatWasDone_WhenAnotherWorkerContinues()
    {
        await using var backend = NewBackend();
        var first = await backend.OpenAsync();
        var second = await backend.OpenAsync();
        var lease = await first.SubmitAndClaimAsync();
        var number = await first.Store.BeginToolCallAsync(lease, Sample.Call(), Cancel);
        await first.Store.SaveAsync(lease, new RunChange
        {
            ToolCalls = [new ToolCallEnd(number, "found", false, TimeSpan.Zero)],
            Checkpoint = new AgentCheckpoint("tester", Sample.Json("""{"turn":1}""")),
        }, Cancel);
        await first.Queue.HandBackAsync(lease, Cancel);

        var next = (await second.Queue.TryClaimAsync("w2", Cancel)).ShouldNotBeNull();

        (await second.Store.GetCheckpointsAsync(next.RunId, Cancel)).Single().State.GetProperty("turn").GetInt32().ShouldBe(1);
        (await second.Store.ListToolCallsAsync(next.RunId, Cancel)).Single().Result.ShouldBe("found");
        (await second.Store.BeginToolCallAsync(next, Sample.Call(), Cancel)).ShouldBe(2);
    }

    [Fact]
    public async Task Watch_TellsOfCancel_WhenAnotherProcessAsked()
    {
        await using var backend = NewBackend();
        var worker = await backend.OpenAsync();
        var api = await backend.OpenAsync();
        var lease = await worker.SubmitAndClaimAsync();
        var watch = worker.Queue.WatchAsync(lease, Cancel);
        await worker.Events.AppendAsync(lease, [Sample.Delta("working")], Cancel);
        watch.IsCompleted.ShouldBeFalse();

        (await api.Store.RequestCancelAsync(lease.RunId, Cancel)).ShouldNotBeNull().CancelRequested.ShouldBeTrue();

        (await watch.WaitAsync(TimeSpan.FromSeconds(1), Cancel)).ShouldBe(LeaseSignal.CancelRequested);
        await worker.Store.EndAsync(lease, RunState.Cancelled, null, Cancel);
        (await api.GetAsync(lease.RunId)).State.ShouldBe(RunState.Cancelled);
    }

    [Theory]
    [InlineData("reap")]
    [InlineData("hand back")]
    [InlineData("abandon")]
    public async Task CancelledRun_Ends_WhenItsWorkerIsLostOrLetsGo(string how)
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var lease = await runs.SubmitAndClaimAsync();
        await runs.Store.RequestCancelAsync(lease.RunId, Cancel);

        switch (how)
        {
            case "reap":
                backend.Time.Advance(PastLease);
                await runs.Queue.ReapAsync(Cancel);
                break;
            case "hand back":
                await runs.Queue.HandBackAsync(lease, Cancel);
                break;
            default:
                await runs.Queue.AbandonAsync(lease, "x", Cancel);
                break;
        }

        (await runs.GetAsync(lease.RunId)).State.ShouldBe(RunState.Cancelled);
    }

    [Fact]
    public async Task Reap_TakesEachLeaseOnce_WhenAllProcessesReapAtOnce()
    {
        await using var backend = NewBackend();
        var processes = new[] { await backend.OpenAsync(), await backend.OpenAsync(), await backend.OpenAsync() };
        for (var i = 0; i < 6; i++)
            await processes[0].SubmitAndClaimAsync();
        backend.Time.Advance(PastLease);

        var reaped = await Task.WhenAll(processes.Select(process => Task.Run(() => process.Queue.ReapAsync(Cancel), Cancel)));

        reaped.Sum().ShouldBe(6);
        var queued = await processes[1].Store.ListAsync(new RunFilter { State = RunState.Queued }, Cancel);
        queued.Runs.ShouldAllBe(run => run.FailedAttempts == 1);
    }
}
