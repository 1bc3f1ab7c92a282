using System.Runtime.CompilerServices;

namespace Agents.Runs;

/// <summary>Events in Redis.</summary>
internal sealed class RedisRunEvents(RedisDatabase database, TimeProvider time) : IRunEvents
{
    private const int TailPage = 256;

    private readonly RedisRuns _runs = new(database, time);

    public async Task<long> AppendAsync(RunLease lease, IReadOnlyList<RunEventDraft> events, CancellationToken cancellationToken)
    {
        var last = await _runs.WriteAsync(lease.RunId, new RedisWrite { Lease = lease }.Add(events, time.GetUtcNow()), cancellationToken).ConfigureAwait(false);
        return last == RedisScripts.Lost ? throw new LeaseLostException(lease) : last;
    }

    public Task<IReadOnlyList<RunEvent>> ReadAsync(string runId, long after, int limit, CancellationToken cancellationToken) =>
        database.RunAsync<IReadOnlyList<RunEvent>>(async redis =>
        {
            // An event's sequence is its place in the list, counted from one.
            var stored = await redis.ListRangeAsync(database.Keys.Events(runId), after, after + limit - 1).ConfigureAwait(false);
            return [.. stored.Select((json, i) => RedisEvent.Read(after + i + 1, json!))];
        }, cancellationToken);

    public async IAsyncEnumerable<RunEvent> TailAsync(string runId, long after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var changes = database.Changes.Subscribe(runId);
        while (true)
        {
            // First whether more may come, then what has: a run that had ended before nothing was left to read will never have more.
            var state = await database.RunAsync(redis => redis.HashGetAsync(database.Keys.Run(runId), "state"), cancellationToken).ConfigureAwait(false);
            var open = !state.IsNull && !StoredJson.Enum<RunState>(state!).IsEnded();
            var events = await ReadAsync(runId, after, TailPage, cancellationToken).ConfigureAwait(false);
            foreach (var runEvent in events)
            {
                yield return runEvent;
                after = runEvent.Sequence;
            }

            if (events.Count == 0 && !open)
                yield break;
            if (events.Count == 0)
                await changes.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
