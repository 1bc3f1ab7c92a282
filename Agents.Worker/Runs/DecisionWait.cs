using Agents.Runs;

namespace Agents.Worker.Runs;

/// <summary>
/// Lets an agent whose calls wait for consent go on as soon as one is decided, while other agents of its run are still at work. When none is,
/// waiting here would only hold the worker: all give up, and the run waits in the store.
/// </summary>
/// <remarks><c>_atWork</c> counts the agents that have not ended and do not wait; the last that leaves completes <c>_quiet</c>, once and for all.</remarks>
internal sealed class DecisionWait(IRunEvents events, string runId, int agents)
{
    private readonly TaskCompletionSource _quiet = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _atWork = agents;

    /// <summary>An agent has ended, or gives up.</summary>
    public void Leave()
    {
        if (Interlocked.Decrement(ref _atWork) == 0) _quiet.TrySetResult();
    }

    /// <summary>Waits for a decision about one of these requests.</summary>
    /// <returns>False when nobody is at work any more; the agent has left then.</returns>
    public async Task<bool> WaitAsync(IReadOnlyList<string> approvals, CancellationToken cancellationToken)
    {
        Leave();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var decided = DecidedAsync(approvals, stop.Token);
        var first = await Task.WhenAny(decided, _quiet.Task).ConfigureAwait(false);
        await stop.CancelAsync().ConfigureAwait(false);
        await decided.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        if (first == _quiet.Task && !decided.IsCompletedSuccessfully) return false;
        await decided.ConfigureAwait(false);
        Interlocked.Increment(ref _atWork);
        return true;
    }

    private async Task DecidedAsync(IReadOnlyList<string> approvals, CancellationToken cancellationToken)
    {
        // From the begin: a decision that came just before is among them.
        await foreach (var runEvent in events.TailAsync(runId, after: 0, cancellationToken).ConfigureAwait(false))
        {
            if (runEvent.Type == RunEventTypes.Approval
                && runEvent.Data.GetProperty("state").GetString() != RunsJson.Word(ApprovalState.Pending)
                && approvals.Contains(runEvent.Data.GetProperty("id").GetString()))
            {
                return;
            }
        }
    }
}
