using System.Runtime.CompilerServices;

namespace Agents.Runs;

/// <summary>Events in agents.db.</summary>
internal sealed class SqliteRunEvents(SqliteDatabase database, TimeProvider time) : IRunEvents
{
    private const int TailPage = 256;

    public Task<long> AppendAsync(RunLease lease, IReadOnlyList<RunEventDraft> events, CancellationToken cancellationToken) => database.WriteAsync(write =>
    {
        RunStanding.Fence(SqliteRows.Standing(write.Connection, lease.RunId), lease);
        return write.Append(lease.RunId, time.GetUtcNow(), [.. events]);
    }, cancellationToken);

    public Task<IReadOnlyList<RunEvent>> ReadAsync(string runId, long after, int limit, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult<IReadOnlyList<RunEvent>>(Read(runId, after, limit).Events);
    }

    public async IAsyncEnumerable<RunEvent> TailAsync(string runId, long after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var changes = database.Changes.Subscribe(runId);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (events, open) = Read(runId, after, TailPage);
            foreach (var runEvent in events)
            {
                yield return runEvent;
                after = runEvent.Sequence;
            }

            // A run that ended, or is gone, in the snapshot in which nothing was left to read will never have more.
            if (events.Count == 0 && !open)
                yield break;
            if (events.Count == 0)
                await changes.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private (List<RunEvent> Events, bool Open) Read(string runId, long after, int limit) => database.Read(connection =>
    {
        var events = connection.Query(
            "SELECT sequence, type, at, agent, data FROM events WHERE run_id = $id AND sequence > $after ORDER BY sequence LIMIT $limit",
            SqliteRows.Event, ("$id", runId), ("$after", after), ("$limit", limit));
        return (events, SqliteRows.Standing(connection, runId) is { } run && !run.State.IsEnded());
    });
}
