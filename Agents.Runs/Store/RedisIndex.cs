using StackExchange.Redis;

namespace Agents.Runs;

/// <summary>What concerns all runs: their order, the queue, who is open, who ended when. All of it are hints; the records are the truth.</summary>
internal sealed class RedisIndex(RedisDatabase database, TimeProvider time)
{
    /// <summary>After so long a hint that a worker took and did not drop belongs to whoever asks next. If the first is only slow, the record lets one of them claim.</summary>
    private static readonly TimeSpan Abandoned = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan WorkerGone = TimeSpan.FromHours(1);

    private RedisKeys Keys => database.Keys;

    /// <summary>A hint that a run is queued.</summary>
    /// <param name="Stream">1 for the queue, 2 for runs that were begun before.</param>
    /// <param name="Entry">The entry's id in the stream.</param>
    /// <param name="RunId">The run.</param>
    internal sealed record Hint(int Stream, string Entry, string RunId);

    /// <summary>Gives a run its place before it is stored, so that no stored run is ever out of sight.</summary>
    public async Task<long> RegisterAsync(AgentRun run, CancellationToken cancellationToken)
    {
        RedisKey[] keys = [Keys.Ordinal, Keys.All, Keys.Open, Keys.New];
        if (run.ConversationId is { } conversation) keys = [.. keys, Keys.Conversation(run.Owner, conversation)];
        // The run itself begins its time to live at its end; its conversation is kept for as long again.
        var kept = (long)(database.Options.Retention * 2).TotalMilliseconds;
        return (long)await database.EvaluateAsync(RedisScripts.Register, keys, [run.Id, Now(), kept], cancellationToken).ConfigureAwait(false);
    }

    /// <param name="runId">The run.</param>
    /// <param name="begun">Whether a worker had it before: such runs come first.</param>
    /// <param name="replace">Whether a hint that is there is replaced, as one of an earlier turn in the queue must be.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task EnqueueAsync(string runId, bool begun, bool replace, CancellationToken cancellationToken) => database.EvaluateAsync(
        RedisScripts.Enqueue, [Keys.Entries, Keys.New, Keys.Queue, Keys.Again],
        [runId, begun ? 2 : 1, replace ? 1 : 0, Keys.Channel, ChangeSignals.Queue], cancellationToken);

    /// <summary>The next hint; null when there is none now.</summary>
    public async Task<Hint?> TakeAsync(string workerId, CancellationToken cancellationToken)
    {
        var taken = await database.EvaluateAsync(
            RedisScripts.Take, [Keys.Again, Keys.Queue], [workerId, (long)Abandoned.TotalMilliseconds], cancellationToken).ConfigureAwait(false);
        if (taken.IsNull) return null;
        var parts = (RedisResult[])taken!;
        return new Hint((int)parts[0], (string)parts[1]!, (string)parts[2]!);
    }

    /// <summary>The hint was followed, or led nowhere.</summary>
    public Task DropAsync(Hint hint, CancellationToken cancellationToken) => database.EvaluateAsync(
        RedisScripts.Drop, [Keys.Entries, hint.Stream == 1 ? Keys.Queue : Keys.Again], [hint.RunId, hint.Stream, hint.Entry], cancellationToken);

    /// <summary>How many hints there are. One that was taken and not dropped yet is among them.</summary>
    public Task<long> CountQueuedAsync(CancellationToken cancellationToken) => database.RunAsync(async redis =>
    {
        var lengths = await Task.WhenAll(new[] { Keys.Queue, Keys.Again }.Select(stream => redis.ExecuteAsync("XLEN", stream))).ConfigureAwait(false);
        return lengths.Sum(length => (long)length);
    }, cancellationToken);

    /// <summary>A run with a webhook owes its client a message about where it stands, once, however often this is said.</summary>
    public Task OweAsync(RunStanding run, CancellationToken cancellationToken) => WebhookDelivery.Of(run) is not { } message
        ? Task.CompletedTask
        : database.EvaluateAsync(
            RedisScripts.Owe, [Keys.Webhooks, Keys.WebhooksTold],
            // The end comes after all that a run may wait for.
            [message, Now(), run.Id, run.State.IsEnded() ? int.MaxValue : run.Attempt], cancellationToken);

    /// <summary>A run ended.</summary>
    public Task SettleAsync(RunStanding run, CancellationToken cancellationToken) => database.EvaluateAsync(
        RedisScripts.Settle,
        [Keys.Entries, Keys.Queue, Keys.Again, Keys.All, Keys.Open, Keys.New, Keys.Ended, Keys.In(run.State), Keys.WebhooksTold],
        [run.Id, run.EndedAt!.Value.ToUnixTimeMilliseconds()],
        cancellationToken);

    /// <summary>A run is gone.</summary>
    public Task ForgetAsync(string runId, CancellationToken cancellationToken) => database.EvaluateAsync(
        RedisScripts.Forget,
        [
            Keys.Entries, Keys.Queue, Keys.Again, Keys.WebhooksTold, Keys.All, Keys.Open, Keys.New, Keys.Ended,
            .. Enum.GetValues<RunState>().Where(state => state.IsEnded()).Select(Keys.In),
        ],
        [runId],
        cancellationToken);

    /// <summary>Gives every run that was stored and never got its hint one; its submitter was lost on the way.</summary>
    public async Task<bool> EnqueueUnfinishedAsync(CancellationToken cancellationToken)
    {
        const int Most = 100;
        var stored = await database.RunAsync(async redis =>
        {
            var ids = await redis.SortedSetRangeByRankAsync(Keys.New, 0, Most - 1).ConfigureAwait(false);
            var exists = await Task.WhenAll(ids.Select(id => redis.KeyExistsAsync(Keys.Run(id!)))).ConfigureAwait(false);
            return ids.Where((_, i) => exists[i]).Select(id => (string)id!).ToList();
        }, cancellationToken).ConfigureAwait(false);
        foreach (var id in stored)
            await EnqueueAsync(id, begun: false, replace: false, cancellationToken).ConfigureAwait(false);
        return stored.Count > 0;
    }

    /// <summary>The ids below a place, highest place first.</summary>
    public Task<List<(string Id, long Place)>> BelowAsync(IReadOnlyList<RedisKey> keys, long before, int limit, CancellationToken cancellationToken) =>
        database.RunAsync(async redis =>
        {
            var found = await Task.WhenAll(keys.Select(key => redis.SortedSetRangeByScoreWithScoresAsync(
                key, double.NegativeInfinity, before == long.MaxValue ? double.PositiveInfinity : before, Exclude.Stop, Order.Descending, 0, limit))).ConfigureAwait(false);
            return found.SelectMany(entries => entries).Select(entry => ((string)entry.Element!, (long)entry.Score)).Distinct()
                .OrderByDescending(entry => entry.Item2).Take(limit).ToList();
        }, cancellationToken);

    /// <summary>The runs that have not ended, oldest first.</summary>
    public Task<List<string>> OpenAsync(CancellationToken cancellationToken) => database.RunAsync(
        async redis => (await redis.SortedSetRangeByRankAsync(Keys.Open).ConfigureAwait(false)).Select(id => (string)id!).ToList(), cancellationToken);

    /// <summary>Which of these runs have no hint.</summary>
    public Task<List<string>> WithoutHintAsync(IReadOnlyList<string> runIds, CancellationToken cancellationToken) => database.RunAsync(async redis =>
    {
        var hints = await redis.HashGetAsync(Keys.Entries, [.. runIds.Select(id => (RedisValue)id)]).ConfigureAwait(false);
        return runIds.Where((_, i) => hints[i].IsNull).ToList();
    }, cancellationToken);

    /// <summary>When a run that is not stored yet was submitted; null when it is not being submitted.</summary>
    public Task<DateTimeOffset?> SubmittedAtAsync(string runId, CancellationToken cancellationToken) => database.RunAsync<DateTimeOffset?>(async redis =>
        await redis.SortedSetScoreAsync(Keys.New, runId).ConfigureAwait(false) is { } at ? DateTimeOffset.FromUnixTimeMilliseconds((long)at) : null, cancellationToken);

    /// <summary>Runs that ended at or before a time.</summary>
    public Task<List<string>> EndedUntilAsync(DateTimeOffset until, int limit, CancellationToken cancellationToken) => database.RunAsync(async redis =>
        (await redis.SortedSetRangeByScoreAsync(Keys.Ended, stop: until.ToUnixTimeMilliseconds(), take: limit).ConfigureAwait(false)).Select(id => (string)id!).ToList(), cancellationToken);

    /// <summary>Forgets workers that have not asked for an hour.</summary>
    public Task ForgetWorkersAsync(CancellationToken cancellationToken) =>
        database.EvaluateAsync(RedisScripts.ForgetWorkers, [Keys.Queue, Keys.Again], [(long)WorkerGone.TotalMilliseconds], cancellationToken);

    private long Now() => time.GetUtcNow().ToUnixTimeMilliseconds();
}
