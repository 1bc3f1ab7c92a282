namespace Agents.Runs;

/// <summary>What happened in each run, in order, for any number of readers in any process.</summary>
public interface IRunEvents
{
    /// <summary>Adds events to a run, all or none.</summary>
    /// <returns>The sequence of the last one.</returns>
    /// <exception cref="LeaseLostException"><paramref name="lease"/> no longer holds; nothing was written.</exception>
    Task<long> AppendAsync(RunLease lease, IReadOnlyList<RunEventDraft> events, CancellationToken cancellationToken);

    /// <summary>The events of a run whose sequence is greater than <paramref name="after"/>, at most <paramref name="limit"/>.</summary>
    Task<IReadOnlyList<RunEvent>> ReadAsync(string runId, long after, int limit, CancellationToken cancellationToken);

    /// <summary>
    /// The events of a run whose sequence is greater than <paramref name="after"/>, those to come included.
    /// Ends after <see cref="RunEventTypes.RunEnd"/>, or when the run is deleted or unknown.
    /// </summary>
    IAsyncEnumerable<RunEvent> TailAsync(string runId, long after, CancellationToken cancellationToken);
}
