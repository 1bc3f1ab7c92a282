namespace Agents.Runs.Tests.Contract;

/// <summary>What every <see cref="IRunEvents"/> must do.</summary>
public abstract class RunEventsContract
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    protected abstract RunsBackend NewBackend();

    [Fact]
    public async Task Events_AreCountedWithoutGap_WhenManyWritersAppend()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var lease = await runs.SubmitAndClaimAsync();

        await Task.WhenAll(Enumerable.Range(0, 8).Select(writer => Task.Run(async () =>
        {
            for (var i = 0; i < 10; i++)
                await runs.Events.AppendAsync(lease, [Sample.Delta($"{writer}.{i}a"), Sample.Delta($"{writer}.{i}b")], Cancel);
        }, Cancel)));

        var events = await runs.AllEventsAsync(lease.RunId);
        events.Select(e => e.Sequence).ShouldBe(Enumerable.Range(1, 2 + 160).Select(n => (long)n));
        events.Count(e => e.Type == RunEventTypes.TextDelta).ShouldBe(160);
    }

    [Fact]
    public async Task Read_GivesThePartAskedFor_WhenBounded()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var lease = await runs.SubmitAndClaimAsync();
        (await runs.Events.AppendAsync(lease, [Sample.Delta("a"), Sample.Delta("b"), Sample.Delta("c")], Cancel)).ShouldBe(5);

        var part = await runs.Events.ReadAsync(lease.RunId, 2, 2, Cancel);

        part.Select(e => (e.Sequence, e.Data.GetProperty("text").GetString())).ShouldBe([(3L, "a"), (4L, "b")]);
    }

    [Fact]
    public async Task Tail_TellsAllInOrderAndEnds_WhenAnotherProcessWrites()
    {
        await using var backend = NewBackend();
        var worker = await backend.OpenAsync();
        var api = await backend.OpenAsync();
        var lease = await worker.SubmitAndClaimAsync();
        var tail = Task.Run(() => CollectAsync(api.Events, lease.RunId, 0), Cancel);

        for (var i = 0; i < 50; i++)
            await worker.Events.AppendAsync(lease, [Sample.Delta($"{i}")], Cancel);
        await worker.Store.EndAsync(lease, RunState.Completed, null, Cancel);

        var seen = await tail.WaitAsync(TimeSpan.FromSeconds(10), Cancel);
        seen.Select(e => e.Sequence).ShouldBe(Enumerable.Range(1, seen.Count).Select(n => (long)n));
        seen.Count.ShouldBe((await api.AllEventsAsync(lease.RunId)).Count);
        seen[^1].Type.ShouldBe(RunEventTypes.RunEnd);
    }

    [Fact]
    public async Task Tail_IsTheSameFromAnywhere_WhenResumedAtEveryPoint()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var lease = await runs.SubmitAndClaimAsync();
        await runs.Events.AppendAsync(lease, [.. Enumerable.Range(0, 20).Select(i => Sample.Delta($"é{i}\n"))], Cancel);
        await runs.Store.EndAsync(lease, RunState.Completed, null, Cancel);
        var whole = (await CollectAsync(runs.Events, lease.RunId, 0)).Select(AsJson).ToList();

        for (var after = 0; after <= whole.Count; after++)
            (await CollectAsync(runs.Events, lease.RunId, after)).Select(AsJson).ShouldBe(whole[after..]);
    }

    [Fact]
    public async Task Tail_EndsAtOnce_WhenThereIsNothingToWaitFor()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var lease = await runs.SubmitAndClaimAsync();
        await runs.Store.EndAsync(lease, RunState.Completed, null, Cancel);

        (await CollectAsync(runs.Events, "run_none", 0)).ShouldBeEmpty();
        (await CollectAsync(runs.Events, lease.RunId, 1_000_000)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Tail_Ends_WhenItsRunIsDeletedBehindItsBack(bool otherProcess)
    {
        await using var backend = NewBackend();
        var reader = await backend.OpenAsync();
        var writer = otherProcess ? await backend.OpenAsync() : reader;
        // Many, as the reader of one may be quick enough to read its end.
        var leases = new List<RunLease>();
        for (var i = 0; i < 20; i++) leases.Add(await writer.SubmitAndClaimAsync());
        var tails = leases.Select(lease => CollectAsync(reader.Events, lease.RunId, 0)).ToList();

        foreach (var lease in leases)
        {
            await writer.Store.EndAsync(lease, RunState.Completed, null, Cancel);
            await writer.Store.DeleteAsync(lease.RunId, Cancel);
        }

        await Task.WhenAll(tails).WaitAsync(Eventually.Patience, Cancel);
    }

    [Fact]
    public async Task Tail_IsGivenUp_WhenItsReaderCancels()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var lease = await runs.SubmitAndClaimAsync();
        using var stop = new CancellationTokenSource();

        var tail = Should.ThrowAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in runs.Events.TailAsync(lease.RunId, 0, stop.Token))
            {
            }
        });
        await stop.CancelAsync();
        await tail.WaitAsync(TimeSpan.FromSeconds(5), Cancel);

        await runs.Events.AppendAsync(lease, [Sample.Delta("goes on")], Cancel);
    }

    private static string AsJson(RunEvent e) => System.Text.Json.JsonSerializer.Serialize(e, RunsJson.Options);

    private static async Task<List<RunEvent>> CollectAsync(IRunEvents events, string runId, long after)
    {
        var seen = new List<RunEvent>();
        await foreach (var runEvent in events.TailAsync(runId, after, Cancel))
            seen.Add(runEvent);
        return seen;
    }
}
