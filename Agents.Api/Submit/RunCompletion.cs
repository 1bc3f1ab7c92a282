using Agents.Runs;

namespace Agents.Api.Submit;

/// <summary>Waits for runs to end.</summary>
internal sealed class RunCompletion(IRunStore store, IRunEvents events, IHostApplicationLifetime lifetime, TimeProvider time)
{
    /// <summary>
    /// The run when it has ended or waits for approval, or as it is after <paramref name="patience"/>, or when this service stops. Giving up changes
    /// nothing in the run.
    /// </summary>
    /// <returns>The run; null if there is none of that id.</returns>
    public async Task<AgentRun?> WaitAsync(string runId, TimeSpan patience, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(patience, time);
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, lifetime.ApplicationStopping, cancellationToken);
        try
        {
            // The end of the stream is the end of the run, whoever wrote it.
            await foreach (var runEvent in events.TailAsync(runId, after: 0, giveUp.Token))
            {
                // An event of the past says nothing about now: the run may have gone on.
                if (TellsOfWait(runEvent) && await store.GetAsync(runId, giveUp.Token) is { State: RunState.WaitingApproval } waiting)
                    return waiting;
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Patience is over: the caller is told how far the run came.
        }

        return await store.GetAsync(runId, cancellationToken);
    }

    private static bool TellsOfWait(RunEvent runEvent) =>
        runEvent.Type == RunEventTypes.RunState && runEvent.Data.GetProperty("state").GetString() == RunsJson.Word(RunState.WaitingApproval);
}
