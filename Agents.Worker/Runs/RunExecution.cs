using System.Diagnostics;
using System.Text.Json;
using Agents.Runs;
using Agents.Worker.Loop;
using Microsoft.Extensions.Options;

namespace Agents.Worker.Runs;

/// <summary>
/// Works on one leased run: its agents in parallel, each from its checkpoint, until all ended, somebody cancelled, the lease was lost, the
/// worker drains or all that is left waits for somebody's consent. Exactly one of these is the outcome, and only the lease's holder writes it.
/// </summary>
internal sealed partial class RunExecution(
    IRunStore store,
    IRunQueue queue,
    IRunEvents events,
    AgentRunner agents,
    AgentSlots slots,
    IOptions<WorkerOptions> options,
    IOptions<RunQueueOptions> queueOptions,
    TimeProvider time,
    ILogger<RunExecution> logger)
{
    private static readonly TimeSpan LastWrites = TimeSpan.FromSeconds(5);

    /// <param name="lease">The right to work on the run.</param>
    /// <param name="draining">Agents finish what they are doing; the run is handed back.</param>
    /// <param name="cutOff">Agents stop at once; the run is handed back.</param>
    public async Task RunAsync(RunLease lease, CancellationToken draining, CancellationToken cutOff)
    {
        await using var keeper = new LeaseKeeper(queue, lease, queueOptions, time, logger);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(keeper.Stopped, cutOff);
        try
        {
            var run = await store.GetAsync(lease.RunId, stop.Token).ConfigureAwait(false);
            if (run is null) return;
            var work = await WorkAsync(run, keeper, draining, stop.Token).ConfigureAwait(false);
            await ConcludeAsync(run, work, keeper, draining.IsCancellationRequested).ConfigureAwait(false);
        }
        catch (LeaseLostException)
        {
            LogLost(lease.RunId, lease.Attempt);
        }
        catch (Exception error)
        {
            if (error is not OperationCanceledException) LogFailed(error, lease.RunId);
            await GiveUpAsync(lease, error, keeper, cutOff).ConfigureAwait(false);
        }
    }

    /// <summary>How far an agent came.</summary>
    /// <param name="Ended">The agent in its final state; null when another worker is to go on with it.</param>
    /// <param name="Approvals">The requests for consent it waits for.</param>
    private sealed record Outcome(AgentExecution? Ended, IReadOnlyList<string> Approvals);

    private async Task<IReadOnlyList<Outcome>> WorkAsync(AgentRun run, LeaseKeeper keeper, CancellationToken draining, CancellationToken cancellationToken)
    {
        using var activity = Start(run);
        LogStarted(run.Id, run.Agents.Count, keeper.Lease.Attempt);
        var checkpoints = (await store.GetCheckpointsAsync(run.Id, cancellationToken).ConfigureAwait(false)).ToDictionary(c => c.Agent, c => c.State);
        var task = await RunWork.LoadAsync(run, store, cancellationToken).ConfigureAwait(false);
        using var perRun = new SemaphoreSlim(options.Value.MaxAgentsPerRun);
        var decisions = new DecisionWait(events, run.Id, run.Agents.Count);
        var work = run.Agents.Select(async agent =>
        {
            var progress = checkpoints.TryGetValue(agent.Name, out var state) ? state.Deserialize<AgentProgress>(RunsJson.Options)! : new AgentProgress();
            var atWork = true;
            try
            {
                while (true)
                {
                    var outcome = await OneAsync(task, keeper, agent, progress, perRun, draining, cancellationToken).ConfigureAwait(false);
                    if (outcome.Approvals.Count == 0 || draining.IsCancellationRequested) return outcome;
                    atWork = false;
                    if (!await decisions.WaitAsync(outcome.Approvals, cancellationToken).ConfigureAwait(false)) return outcome;
                    atWork = true;
                    agent = (await store.GetAsync(run.Id, cancellationToken).ConfigureAwait(false))?.Agents.First(now => now.Name == agent.Name) ?? throw new LeaseLostException(keeper.Lease);
                }
            }
            finally
            {
                if (atWork) decisions.Leave();
            }
        }).ToList();

        // Every agent has stopped before anything is concluded: nothing of this run is left working behind its last write.
        await ((Task)Task.WhenAll(work)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (work.Find(task => task.IsFaulted) is { } failed) await failed.ConfigureAwait(false);
        return [.. work.Select(task => task.IsCompletedSuccessfully ? task.Result : new Outcome(null, []))];
    }

    private async Task<Outcome> OneAsync(
        RunWork work, LeaseKeeper keeper, AgentExecution agent, AgentProgress progress, SemaphoreSlim perRun, CancellationToken draining, CancellationToken cancellationToken)
    {
        if (agent.State is AgentState.Completed or AgentState.Failed or AgentState.Cancelled) return new Outcome(agent, []);
        using var slot = await slots.TakeAsync(perRun, cancellationToken).ConfigureAwait(false);
        if (draining.IsCancellationRequested) return new Outcome(null, []);
        var ended = await agents.RunAsync(work, keeper, agent, progress, draining, cancellationToken).ConfigureAwait(false);
        return new Outcome(ended, ended is null ? [.. progress.Open.Select(call => call.ApprovalId).OfType<string>()] : []);
    }

    private async Task ConcludeAsync(AgentRun run, IReadOnlyList<Outcome> work, LeaseKeeper keeper, bool draining)
    {
        var lease = keeper.Lease;
        using var soon = new CancellationTokenSource(LastWrites, time);
        if (keeper.Signal == LeaseSignal.Lost) throw new LeaseLostException(lease);
        if (keeper.Signal == LeaseSignal.CancelRequested)
        {
            await CancelAsync(lease, soon.Token).ConfigureAwait(false);
        }
        else if (!draining && work.Any(agent => agent.Ended is null) && work.All(agent => agent.Ended is not null || agent.Approvals.Count > 0))
        {
            await queue.ParkAsync(lease, [.. work.SelectMany(agent => agent.Approvals)], soon.Token).ConfigureAwait(false);
            LogParked(run.Id);
        }
        else if (work.Any(agent => agent.Ended is null))
        {
            await queue.HandBackAsync(lease, soon.Token).ConfigureAwait(false);
            LogHandedBack(run.Id);
        }
        else
        {
            var ended = work.Select(agent => agent.Ended!).ToList();
            var state = RunStates.Conclude(ended);
            await store.EndAsync(lease, state, Error(state, ended), soon.Token).ConfigureAwait(false);
            LogEnded(run.Id, RunsJson.Word(state));
        }
    }

    /// <summary>Ends the agents that were at work and then the run; an agent that ended before keeps its result.</summary>
    private async Task CancelAsync(RunLease lease, CancellationToken cancellationToken)
    {
        var run = await store.GetAsync(lease.RunId, cancellationToken).ConfigureAwait(false);
        foreach (var agent in run?.Agents ?? [])
        {
            if (agent.State is AgentState.Completed or AgentState.Failed or AgentState.Cancelled) continue;
            var ended = agent with { State = AgentState.Cancelled, StopReason = StopReason.Cancelled, EndedAt = time.GetUtcNow() };
            await store.SaveAsync(lease, new RunChange { Agent = ended }, cancellationToken).ConfigureAwait(false);
        }

        await store.EndAsync(lease, RunState.Cancelled, null, cancellationToken).ConfigureAwait(false);
        LogEnded(lease.RunId, RunsJson.Word(RunState.Cancelled));
    }

    /// <summary>After an error: the attempt is lost, unless the worker is only being stopped. If even this write fails, the lease runs out.</summary>
    private async Task GiveUpAsync(RunLease lease, Exception error, LeaseKeeper keeper, CancellationToken cutOff)
    {
        using var soon = new CancellationTokenSource(LastWrites, time);
        try
        {
            if (keeper.Signal == LeaseSignal.CancelRequested) await CancelAsync(lease, soon.Token).ConfigureAwait(false);
            else if (cutOff.IsCancellationRequested) await queue.HandBackAsync(lease, soon.Token).ConfigureAwait(false);
            else await queue.AbandonAsync(lease, $"{error.GetType().Name}: {error.Message}", soon.Token).ConfigureAwait(false);
        }
        catch (LeaseLostException)
        {
            LogLost(lease.RunId, lease.Attempt);
        }
        catch (Exception second)
        {
            LogFailed(second, lease.RunId);
        }
    }

    private static Activity? Start(AgentRun run)
    {
        ActivityContext.TryParse(run.TraceParent, null, out var parent);
        var activity = WorkerTelemetry.Source.StartActivity($"{GenAi.InvokeWorkflow} {WorkerTelemetry.Workflow}", ActivityKind.Internal, parent);
        return activity?.SetTag(GenAi.OperationName, GenAi.InvokeWorkflow).SetTag(GenAi.WorkflowName, WorkerTelemetry.Workflow)
            .SetTag(GenAi.ConversationId, run.ConversationId).SetTag("agents.run.id", run.Id);
    }

    private static string? Error(RunState state, IEnumerable<AgentExecution> agents) => state is RunState.Failed or RunState.TimedOut
        ? string.Join(' ', agents.Select(agent => $"{agent.Name}: {agent.Error}"))
        : null;

    [LoggerMessage(LogLevel.Information, "Run {Run} started with {Agents} agents, attempt {Attempt}")]
    private partial void LogStarted(string run, int agents, int attempt);

    [LoggerMessage(LogLevel.Information, "Run {Run} ended: {State}")]
    private partial void LogEnded(string run, string state);

    [LoggerMessage(LogLevel.Information, "Run {Run} was handed back for another worker to go on")]
    private partial void LogHandedBack(string run);

    [LoggerMessage(LogLevel.Information, "Run {Run} waits for approval of tool calls")]
    private partial void LogParked(string run);

    [LoggerMessage(LogLevel.Warning, "The lease of run {Run}, attempt {Attempt}, was lost; this worker writes nothing more to it")]
    private partial void LogLost(string run, int attempt);

    [LoggerMessage(LogLevel.Error, "Work on run {Run} failed")]
    private partial void LogFailed(Exception error, string run);
}
