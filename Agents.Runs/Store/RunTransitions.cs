namespace Agents.Runs;

/// <summary>
/// The changes of a run's state, the same for every store. Each is worked out from the standing that the store has read, and is written
/// together with the events that tell of it, and only if that standing is still the current one.
/// </summary>
internal static class RunTransitions
{
    private const int PreviewChars = 500;

    /// <summary>What a new run begins with.</summary>
    public static RunStep Begin(AgentRun run) => Announced(new RunStanding { Id = run.Id, State = RunState.Queued }, run.Agents);

    /// <summary>A worker takes a queued run.</summary>
    public static RunStep Claim(RunStanding run, string workerId, DateTimeOffset expires, DateTimeOffset now) => Announced(run with
    {
        State = RunState.Running,
        Attempt = run.Attempt + 1,
        WorkerId = workerId,
        LeaseExpires = expires,
        StartedAt = run.StartedAt ?? now,
    });

    /// <summary>Somebody asks for the end of a run; null when that changes nothing.</summary>
    public static RunStep? RequestCancel(RunStanding run, IReadOnlyList<AgentExecution> agents, DateTimeOffset now)
    {
        if (run.State is RunState.Queued or RunState.WaitingApproval)
            return End(run, agents, RunState.Cancelled, error: null, now);
        return run.CancelRequested || run.State.IsEnded() ? null : Announced(run with { CancelRequested = true }, reason: "cancel requested");
    }

    /// <summary>Takes a run from its worker without fault of the run; it is queued again, or ends if its end was asked for.</summary>
    public static RunStep Requeue(RunStanding run, IReadOnlyList<AgentExecution> agents, string reason, DateTimeOffset now) => run.CancelRequested
        ? End(run, agents, RunState.Cancelled, error: null, now)
        : Announced(run with { State = RunState.Queued, WorkerId = null, LeaseExpires = null }, reason: reason);

    /// <summary>Takes a run from its worker and counts the attempt as lost; the last one ends the run with all the reasons.</summary>
    public static RunStep LoseAttempt(RunStanding run, IReadOnlyList<AgentExecution> agents, string reason, int maxAttempts, DateTimeOffset now)
    {
        var failures = $"{run.Failures}{(run.Failures is null ? "" : " ")}Attempt {run.Attempt}: {reason}";
        var lost = run with { FailedAttempts = run.FailedAttempts + 1, Failures = failures };
        return lost.FailedAttempts >= maxAttempts && !lost.CancelRequested
            ? End(lost, agents, RunState.Failed, $"{lost.FailedAttempts} attempts were lost. {failures}", now)
            : Requeue(lost, agents, reason, now);
    }

    /// <summary>Takes a run from a worker that stopped renewing its lease.</summary>
    public static RunStep Expire(RunStanding run, IReadOnlyList<AgentExecution> agents, int maxAttempts, DateTimeOffset now) =>
        LoseAttempt(run, agents, $"worker {run.WorkerId} stopped renewing its lease.", maxAttempts, now);

    /// <summary>Ends a run, and with it the agents that have not ended.</summary>
    public static RunStep End(RunStanding run, IReadOnlyList<AgentExecution> agents, RunState state, string? error, DateTimeOffset now)
    {
        var after = agents.Select(agent => agent.IsEnded ? agent : Stopped(agent, state, error, now)).ToList();
        var stopped = after.Where((agent, i) => !agents[i].IsEnded).ToList();
        var ended = Announced(run with
        {
            State = state,
            Error = error,
            EndedAt = now,
            WorkerId = null,
            LeaseExpires = null,
            CancelRequested = run.CancelRequested || state == RunState.Cancelled,
        }, stopped, error);
        var usage = after.Aggregate(RunUsage.Zero, (sum, agent) => sum + agent.Usage);
        return ended with
        {
            Events =
            [
                .. stopped.Select(Announce),
                .. ended.Events,
                RunEventDraft.Of(RunEventTypes.RunEnd, null, new { State = state, Error = error, Usage = usage }),
            ],
        };
    }

    /// <summary>Tells of an agent's state.</summary>
    public static RunEventDraft Announce(AgentExecution agent) => RunEventDraft.Of(RunEventTypes.AgentState, agent.Name, new
    {
        agent.State,
        agent.StopReason,
        agent.Degraded,
        agent.DegradedReason,
        agent.Error,
    });

    /// <summary>Tells of a tool call that ended.</summary>
    public static RunEventDraft Announce(ToolCallEnd call, string agent, string tool) => RunEventDraft.Of(RunEventTypes.ToolResult, agent, new
    {
        call.Number,
        Tool = tool,
        call.IsError,
        DurationMs = Math.Round(call.Duration.TotalMilliseconds, 3),
        ResultChars = call.Result.Length,
        Preview = call.Result.Length <= PreviewChars ? call.Result : call.Result[..PreviewChars] + "…",
    });

    /// <summary>A standing with the event that tells of it.</summary>
    public static RunStep Announced(RunStanding run, IReadOnlyList<AgentExecution>? agents = null, string? reason = null) => new(
        run, agents ?? [], [RunEventDraft.Of(RunEventTypes.RunState, null, new { RunId = run.Id, run.State, run.Attempt, Reason = reason })]);

    private static AgentExecution Stopped(AgentExecution agent, RunState state, string? error, DateTimeOffset now) => state switch
    {
        RunState.Cancelled => agent with { State = AgentState.Cancelled, StopReason = StopReason.Cancelled, EndedAt = now },
        RunState.TimedOut => agent with { State = AgentState.Failed, StopReason = StopReason.BudgetTime, Error = error ?? "The run passed its time limit.", EndedAt = now },
        _ => agent with { State = AgentState.Failed, StopReason = StopReason.Error, Error = error ?? "The run ended before the agent did.", EndedAt = now },
    };
}
