using System.Text.Json;

namespace Agents.Runs.Tests.Contract;

/// <summary>What every <see cref="IRunStore"/> must do.</summary>
public abstract class RunStoreContract
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    protected abstract RunsBackend NewBackend();

    [Fact]
    public async Task Store_GivesBackWhatWasAsked_WhenRead()
    {
        await using var backend = NewBackend();
        var writer = await backend.OpenAsync();
        var reader = await backend.OpenAsync();
        var run = await writer.SubmitAsync();

        var found = await reader.GetAsync(run.Id);

        JsonSerializer.Serialize(found, RunsJson.Options).ShouldBe(JsonSerializer.Serialize(run, RunsJson.Options));
    }

    [Fact]
    public async Task Store_GivesNull_WhenRunIsUnknown()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();

        (await runs.Store.GetAsync("run_none", Cancel)).ShouldBeNull();
        (await runs.Store.RequestCancelAsync("run_none", Cancel)).ShouldBeNull();
        (await runs.Store.GetToolCallAsync("run_none", 1, Cancel)).ShouldBeNull();
        (await runs.Store.DeleteAsync("run_none", Cancel)).ShouldBe(RunDeletion.NotFound);
    }

    [Fact]
    public async Task Store_ListsNewestFirst_WhenPaged()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var ids = new List<string>();
        for (var i = 0; i < 5; i++)
            ids.Insert(0, (await runs.SubmitAsync()).Id);

        var listed = new List<string>();
        string? cursor = null;
        do
        {
            var page = await runs.Store.ListAsync(new RunFilter { Limit = 2, Cursor = cursor }, Cancel);
            page.Runs.Count.ShouldBeLessThanOrEqualTo(2);
            listed.AddRange(page.Runs.Select(run => run.Id));
            cursor = page.Next;
        }
        while (cursor is not null);

        listed.ShouldBe(ids);
    }

    [Fact]
    public async Task Store_ListsOneState_WhenFiltered()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var lease = await runs.SubmitAndClaimAsync();
        var queued = await runs.SubmitAsync();

        (await runs.Store.ListAsync(new RunFilter { State = RunState.Running }, Cancel)).Runs.Single().Id.ShouldBe(lease.RunId);
        (await runs.Store.ListAsync(new RunFilter { State = RunState.Queued }, Cancel)).Runs.Single().Id.ShouldBe(queued.Id);
        (await runs.Store.ListAsync(new RunFilter { State = RunState.Failed }, Cancel)).Runs.ShouldBeEmpty();
    }

    [Fact]
    public async Task Store_RefusesCursor_WhenItIsNotItsOwn()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();

        await Should.ThrowAsync<FormatException>(() => runs.Store.ListAsync(new RunFilter { Cursor = "x;--" }, Cancel));
    }

    [Fact]
    public async Task Save_StoresAgentAndAnnouncesIt_WhenItsStateChanged()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var lease = await runs.SubmitAndClaimAsync();
        var agent = new AgentExecution
        {
            Name = "tester",
            State = AgentState.Completed,
            StopReason = StopReason.BudgetToolCalls,
            Result = Sample.Result("tester"),
            Usage = new RunUsage(10, 20, 3, null),
            Degraded = true,
            DegradedReason = "gateway not reached",
        };

        await runs.Store.SaveAsync(lease, new RunChange { Agent = agent }, Cancel);
        await runs.Store.SaveAsync(lease, new RunChange { Agent = agent }, Cancel);

        var run = await runs.GetAsync(lease.RunId);
        JsonSerializer.Serialize(run.Agents[1], RunsJson.Options).ShouldBe(JsonSerializer.Serialize(agent, RunsJson.Options));
        run.Agents[0].State.ShouldBe(AgentState.Queued);
        run.Usage.ShouldBe(new RunUsage(10, 20, 3, null));
        var announced = (await runs.AllEventsAsync(lease.RunId)).Where(e => e.Type == RunEventTypes.AgentState).ShouldHaveSingleItem();
        announced.Agent.ShouldBe("tester");
        announced.Data.GetProperty("stop_reason").GetString().ShouldBe("budget_tool_calls");
    }

    [Fact]
    public async Task Save_StoresNothing_WhenOnePartIsImpossible()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var lease = await runs.SubmitAndClaimAsync();
        var before = await runs.AllEventsAsync(lease.RunId);

        await Should.ThrowAsync<InvalidOperationException>(() => runs.Store.SaveAsync(lease, new RunChange
        {
            Agent = new AgentExecution { Name = "tester", State = AgentState.Running },
            Checkpoint = new AgentCheckpoint("nobody", Sample.Json("1")),
            Events = [Sample.Delta("lost")],
        }, Cancel));

        (await runs.AllEventsAsync(lease.RunId)).Count.ShouldBe(before.Count);
        (await runs.GetAsync(lease.RunId)).Agents[1].State.ShouldBe(AgentState.Queued);
    }

    [Fact]
    public async Task Checkpoint_ReplacesTheLastOfItsAgent_WhenSaved()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var lease = await runs.SubmitAndClaimAsync();

        await runs.Store.SaveAsync(lease, new RunChange { Checkpoint = new("tester", Sample.Json("""{"turn":1}""")) }, Cancel);
        await runs.Store.SaveAsync(lease, new RunChange { Checkpoint = new("tester", Sample.Json("""{"turn":2}""")) }, Cancel);

        var checkpoint = (await runs.Store.GetCheckpointsAsync(lease.RunId, Cancel)).ShouldHaveSingleItem();
        checkpoint.Agent.ShouldBe("tester");
        checkpoint.State.GetProperty("turn").GetInt32().ShouldBe(2);
    }

    [Fact]
    public async Task ToolCall_KeepsTheWholeResult_WhenItEnded()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var lease = await runs.SubmitAndClaimAsync();
        var whole = new string('x', 200_000);

        var number = await runs.Store.BeginToolCallAsync(lease, Sample.Call(), Cancel);
        var underWay = (await runs.Store.GetToolCallAsync(lease.RunId, number, Cancel)).ShouldNotBeNull();
        await runs.Store.SaveAsync(lease, new RunChange { ToolCalls = [new ToolCallEnd(number, whole, false, TimeSpan.FromMilliseconds(12))] }, Cancel);

        number.ShouldBe(1);
        underWay.Result.ShouldBeNull();
        underWay.IsError.ShouldBeNull();
        var ended = (await runs.Store.GetToolCallAsync(lease.RunId, number, Cancel)).ShouldNotBeNull();
        ended.Result.ShouldBe(whole);
        ended.IsError.ShouldBe(false);
        ended.DurationMs.ShouldBe(12);
        var told = (await runs.AllEventsAsync(lease.RunId)).Single(e => e.Type == RunEventTypes.ToolResult);
        told.Data.GetProperty("result_chars").GetInt32().ShouldBe(200_000);
        told.Data.GetProperty("preview").GetString()!.Length.ShouldBeLessThan(1000);
    }

    [Fact]
    public async Task ToolCall_IsRefused_WhenItEndsTwice()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var lease = await runs.SubmitAndClaimAsync();
        var number = await runs.Store.BeginToolCallAsync(lease, Sample.Call(), Cancel);
        var end = new RunChange { ToolCalls = [new ToolCallEnd(number, "a", false, TimeSpan.Zero)] };
        await runs.Store.SaveAsync(lease, end, Cancel);

        await Should.ThrowAsync<InvalidOperationException>(() => runs.Store.SaveAsync(lease, end, Cancel));

        (await runs.AllEventsAsync(lease.RunId)).Count(e => e.Type == RunEventTypes.ToolResult).ShouldBe(1);
    }

    [Fact]
    public async Task End_IsTheLastWord_WhenAgentsHadNotEnded()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var lease = await runs.SubmitAndClaimAsync();
        await runs.Store.SaveAsync(lease, new RunChange
        {
            Agent = new AgentExecution { Name = "tester", State = AgentState.Completed, StopReason = StopReason.Finished, Result = Sample.Result("tester") },
            Checkpoint = new AgentCheckpoint("simplifier", Sample.Json("1")),
        }, Cancel);

        await runs.Store.EndAsync(lease, RunState.CompletedPartial, null, Cancel);

        var run = await runs.GetAsync(lease.RunId);
        run.State.ShouldBe(RunState.CompletedPartial);
        run.EndedAt.ShouldNotBeNull();
        run.Agents[0].State.ShouldBe(AgentState.Failed);
        run.Agents[1].Result!.Content.ShouldBe("Merge the two parsers.");
        (await runs.Store.GetCheckpointsAsync(lease.RunId, Cancel)).ShouldBeEmpty();
        (await runs.AllEventsAsync(lease.RunId))[^1].Type.ShouldBe(RunEventTypes.RunEnd);
        await Should.ThrowAsync<LeaseLostException>(() => runs.Store.EndAsync(lease, RunState.Failed, "again", Cancel));
        await Should.ThrowAsync<LeaseLostException>(() => runs.Events.AppendAsync(lease, [Sample.Delta("late")], Cancel));
    }

    [Fact]
    public async Task End_IsRefused_WhenTheStateIsNotFinal()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var lease = await runs.SubmitAndClaimAsync();

        await Should.ThrowAsync<ArgumentOutOfRangeException>(() => runs.Store.EndAsync(lease, RunState.Running, null, Cancel));
    }

    [Fact]
    public async Task Cancel_EndsAtOnce_WhenTheRunIsQueued()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var run = await runs.SubmitAsync();

        var cancelled = (await runs.Store.RequestCancelAsync(run.Id, Cancel)).ShouldNotBeNull();

        cancelled.State.ShouldBe(RunState.Cancelled);
        cancelled.Agents.ShouldAllBe(agent => agent.State == AgentState.Cancelled && agent.StopReason == StopReason.Cancelled);
        (await runs.Queue.TryClaimAsync("w1", Cancel)).ShouldBeNull();
        (await runs.AllEventsAsync(run.Id))[^1].Type.ShouldBe(RunEventTypes.RunEnd);
    }

    [Fact]
    public async Task Cancel_ChangesNothing_WhenRepeatedOrTooLate()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var lease = await runs.SubmitAndClaimAsync();

        await runs.Store.RequestCancelAsync(lease.RunId, Cancel);
        await runs.Store.RequestCancelAsync(lease.RunId, Cancel);
        (await runs.AllEventsAsync(lease.RunId)).Count(e => e.Type == RunEventTypes.RunState).ShouldBe(3);
        await runs.Store.EndAsync(lease, RunState.Completed, null, Cancel);
        await runs.Store.RequestCancelAsync(lease.RunId, Cancel);

        (await runs.GetAsync(lease.RunId)).State.ShouldBe(RunState.Completed);
    }

    [Fact]
    public async Task Delete_TakesEverythingAlong_WhenTheRunEnded()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var lease = await runs.SubmitAndClaimAsync();
        await runs.Store.BeginToolCallAsync(lease, Sample.Call(), Cancel);

        (await runs.Store.DeleteAsync(lease.RunId, Cancel)).ShouldBe(RunDeletion.NotEnded);
        await runs.Store.EndAsync(lease, RunState.Completed, null, Cancel);
        (await runs.Store.DeleteAsync(lease.RunId, Cancel)).ShouldBe(RunDeletion.Deleted);

        (await runs.Store.GetAsync(lease.RunId, Cancel)).ShouldBeNull();
        (await runs.AllEventsAsync(lease.RunId)).ShouldBeEmpty();
        (await runs.Store.ListToolCallsAsync(lease.RunId, Cancel)).ShouldBeEmpty();
        await Should.ThrowAsync<LeaseLostException>(() => runs.Queue.RenewAsync(lease, Cancel));
    }

    [Fact]
    public async Task Delete_FreesTheKey_WhenTheRunWasSubmittedWithOne()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var key = new SubmissionKey(null, "k", "f");
        var first = (await runs.Store.CreateOnceAsync(Sample.Run(), key, Cancel)).Run!;
        await runs.Store.RequestCancelAsync(first.Id, Cancel);
        await runs.Store.DeleteAsync(first.Id, Cancel);

        var second = await runs.Store.CreateOnceAsync(Sample.Run(), key, Cancel);

        second.Outcome.ShouldBe(SubmissionOutcome.Created);
        second.Run!.State.ShouldBe(RunState.Queued);
    }

    [Fact]
    public async Task Submission_MakesOneRun_WhenManyRepeatItAtOnce()
    {
        await using var backend = NewBackend();
        var processes = new[] { await backend.OpenAsync(), await backend.OpenAsync() };
        var key = new SubmissionKey("ann", "order-1", SubmissionKey.FingerprintOf("body"u8));

        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(i =>
            Task.Run(() => processes[i % 2].Store.CreateOnceAsync(Sample.Run(), key, Cancel), Cancel)));

        answers.Count(answer => answer.Outcome == SubmissionOutcome.Created).ShouldBe(1);
        answers.Count(answer => answer.Outcome == SubmissionOutcome.Repeated).ShouldBe(11);
        var id = answers.Select(answer => answer.Run!.Id).Distinct().ShouldHaveSingleItem();
        (await processes[0].Store.ListAsync(new RunFilter(), Cancel)).Runs.ShouldHaveSingleItem().Id.ShouldBe(id);
        (await processes[1].Queue.TryClaimAsync("w", Cancel)).ShouldNotBeNull().RunId.ShouldBe(id);
        (await processes[1].Queue.TryClaimAsync("w", Cancel)).ShouldBeNull();
        (await processes[0].Store.CreateOnceAsync(Sample.Run(), key, Cancel)).Run!.State.ShouldBe(RunState.Running);
    }

    [Fact]
    public async Task Submission_IsFoundByItsKey_WhileThatIsRemembered()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var key = new SubmissionKey("ann", "order-1", "one");
        (await runs.Store.FindSubmissionAsync(key, Cancel)).ShouldBeNull();
        var first = await runs.Store.CreateOnceAsync(Sample.Run(), key, Cancel);

        var found = (await runs.Store.FindSubmissionAsync(key, Cancel)).ShouldNotBeNull();

        (found.Outcome, found.Run!.Id).ShouldBe((SubmissionOutcome.Repeated, first.Run!.Id));
        (await runs.Store.FindSubmissionAsync(key with { Fingerprint = "two" }, Cancel)).ShouldBe(new Submission(SubmissionOutcome.KeyReused, null));
        (await runs.Store.FindSubmissionAsync(key with { Owner = "bob" }, Cancel)).ShouldBeNull();
    }

    [Fact]
    public async Task Submission_IsRefused_WhenItsKeyWasUsedForAnotherRequest()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var key = new SubmissionKey("ann", "order-1", "one");
        var first = await runs.Store.CreateOnceAsync(Sample.Run(), key, Cancel);

        (await runs.Store.CreateOnceAsync(Sample.Run(), key with { Fingerprint = "two" }, Cancel)).ShouldBe(new Submission(SubmissionOutcome.KeyReused, null));

        // Callers do not share keys, nor do a caller and nobody.
        (await runs.Store.CreateOnceAsync(Sample.Run(), key with { Owner = "bob", Fingerprint = "two" }, Cancel)).Outcome.ShouldBe(SubmissionOutcome.Created);
        (await runs.Store.CreateOnceAsync(Sample.Run(), key with { Owner = null, Fingerprint = "two" }, Cancel)).Outcome.ShouldBe(SubmissionOutcome.Created);
        (await runs.Store.ListAsync(new RunFilter(), Cancel)).Runs.Count.ShouldBe(3);
        first.Run!.Id.ShouldNotBeNull();
    }

    [Fact]
    public async Task Store_ListsWhatMatchesAll_WhenFiltersAreCombined()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var noon = new DateTimeOffset(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
        var ids = new List<string>();
        for (var i = 0; i < 4; i++)
        {
            var run = Sample.Run(i == 3 ? "summarizer" : "tester") with
            {
                Repository = i == 0 ? "shop" : "self",
                ConversationId = i == 1 ? "c2" : "c1",
                Owner = i == 2 ? "bob" : "ann",
                CreatedAt = noon.AddHours(i),
            };
            await runs.Store.CreateAsync(run, Cancel);
            ids.Add(run.Id);
        }

        async Task<string> Listed(RunFilter filter) =>
            string.Concat((await runs.Store.ListAsync(filter, Cancel)).Runs.Select(run => ids.IndexOf(run.Id)));

        (await Listed(new RunFilter())).ShouldBe("3210");
        (await Listed(new RunFilter { Repository = "self" })).ShouldBe("321");
        (await Listed(new RunFilter { ConversationId = "c1" })).ShouldBe("320");
        (await Listed(new RunFilter { Owner = "ann" })).ShouldBe("310");
        (await Listed(new RunFilter { Agent = "tester" })).ShouldBe("210");
        (await Listed(new RunFilter { From = noon.AddHours(1), Until = noon.AddHours(3) })).ShouldBe("21");
        (await Listed(new RunFilter { State = RunState.Queued, Owner = "ann", ConversationId = "c1", Repository = "self" })).ShouldBe("3");
        (await Listed(new RunFilter { State = RunState.Running })).ShouldBe("");
        (await Listed(new RunFilter { Owner = "ann", Limit = 2 })).ShouldBe("31");
    }

    [Fact]
    public async Task Store_FillsItsPages_WhenFewRunsMatch()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var wanted = new List<string>();
        for (var i = 0; i < 130; i++)
        {
            var run = Sample.Run("tester") with { Owner = i % 40 == 0 ? "ann" : "bob" };
            await runs.Store.CreateAsync(run, Cancel);
            if (i % 40 == 0) wanted.Insert(0, run.Id);
        }

        var first = await runs.Store.ListAsync(new RunFilter { Owner = "ann", Limit = 3 }, Cancel);
        var second = await runs.Store.ListAsync(new RunFilter { Owner = "ann", Limit = 3, Cursor = first.Next }, Cancel);

        first.Runs.Concat(second.Runs).Select(run => run.Id).ShouldBe(wanted);
        second.Next.ShouldBeNull();
    }

    [Fact]
    public async Task Store_ListsEveryState_AsRunsMoveThroughIt()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var completed = await runs.SubmitAndClaimAsync();
        await runs.Store.EndAsync(completed, RunState.Completed, null, Cancel);
        var failed = await runs.SubmitAndClaimAsync();
        await runs.Store.EndAsync(failed, RunState.Failed, "x", Cancel);
        var running = await runs.SubmitAndClaimAsync();

        async Task<string> Only(RunState state) => (await runs.Store.ListAsync(new RunFilter { State = state }, Cancel)).Runs.ShouldHaveSingleItem().Id;

        (await Only(RunState.Completed)).ShouldBe(completed.RunId);
        (await Only(RunState.Failed)).ShouldBe(failed.RunId);
        (await Only(RunState.Running)).ShouldBe(running.RunId);
        (await runs.Store.ListAsync(new RunFilter { State = RunState.Cancelled }, Cancel)).Runs.ShouldBeEmpty();
    }

    [Fact]
    public async Task Conversation_HasTheCallersLastEndedRuns_WhenRead()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var mine = new List<string>();
        for (var i = 0; i < 4; i++)
            mine.Add(await EndedAsync(runs, "ann", $"question {i}"));
        await EndedAsync(runs, "bob", "his");
        await EndedAsync(runs, null, "nobody's");
        await runs.Store.CreateAsync(Sample.Run() with { Owner = "ann", Query = "still queued" }, Cancel);

        var history = await runs.Store.ReadConversationAsync("ann", "c1", 3, Cancel);

        history.Select(run => run.Id).ShouldBe(mine[1..]);
        history[^1].Query.ShouldBe("question 3");
        history[^1].Agents[1].Result!.Content.ShouldBe("Merge the two parsers.");
        (await runs.Store.ReadConversationAsync("ann", "c9", 3, Cancel)).ShouldBeEmpty();
        (await runs.Store.ReadConversationAsync(null, "c1", 3, Cancel)).ShouldHaveSingleItem().Query.ShouldBe("nobody's");
        await runs.Store.DeleteAsync(mine[3], Cancel);
        (await runs.Store.ReadConversationAsync("ann", "c1", 3, Cancel)).Select(run => run.Id).ShouldBe(mine[..3]);
    }

    [Fact]
    public async Task Prune_DeletesWhatEndedBeforeTheRetention_AndNothingElse()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var old = await EndedAsync(runs, null, "old");
        var working = await runs.SubmitAndClaimAsync();
        backend.Time.Advance(TimeSpan.FromDays(29));
        var young = await EndedAsync(runs, null, "young");
        (await runs.Store.PruneAsync(Cancel)).ShouldBe(0);
        backend.Time.Advance(TimeSpan.FromDays(2));

        (await runs.Store.PruneAsync(Cancel)).ShouldBe(1);

        (await runs.Store.GetAsync(old, Cancel)).ShouldBeNull();
        (await runs.AllEventsAsync(old)).ShouldBeEmpty();
        (await runs.Store.ListAsync(new RunFilter(), Cancel)).Runs.Select(run => run.Id).ShouldBe([young, working.RunId], ignoreOrder: true);
        (await runs.GetAsync(working.RunId)).State.ShouldBe(RunState.Running, "however long it takes");
        (await runs.Store.PruneAsync(Cancel)).ShouldBe(0);
    }

    private static async Task<string> EndedAsync(RunsInstance runs, string? owner, string query)
    {
        var run = Sample.Run() with { Owner = owner, Query = query };
        await runs.Store.CreateAsync(run, Cancel);
        RunLease? lease;
        while ((lease = await runs.Queue.TryClaimAsync("w", Cancel)).ShouldNotBeNull().RunId != run.Id)
        {
        }

        await runs.Store.SaveAsync(lease!, new RunChange
        {
            Agent = new AgentExecution { Name = "tester", State = AgentState.Completed, StopReason = StopReason.Finished, Result = Sample.Result("tester") },
        }, Cancel);
        await runs.Store.EndAsync(lease!, RunState.CompletedPartial, null, Cancel);
        return run.Id;
    }
}
