namespace Agents.Runs;

/// <summary>
/// The changes of a run's state. Each belongs inside a write transaction together with the check that allows it, and writes
/// the event that tells of it, so no crash can leave the one without the other.
/// </summary>
internal static class SqliteTransitions
{
    /// <summary>Adds events after the run's last one.</summary>
    /// <returns>The sequence of the last event.</returns>
    public static long Append(this SqliteWrite write, string runId, DateTimeOffset now, params ReadOnlySpan<RunEventDraft> events)
    {
        write.Touch(runId);
        var last = write.Connection.Number(
            "UPDATE runs SET last_sequence = last_sequence + $count WHERE id = $id RETURNING last_sequence", ("$count", events.Length), ("$id", runId));
        var sequence = last - events.Length;
        foreach (var draft in events)
        {
            write.Connection.Execute(
                "INSERT INTO events (run_id, sequence, type, at, agent, data) VALUES ($id, $sequence, $type, $at, $agent, $data)",
                ("$id", runId), ("$sequence", ++sequence), ("$type", draft.Type), ("$at", now), ("$agent", draft.Agent), ("$data", SqliteRows.Json(draft.Data)));
        }

        return last;
    }

    public static void AnnounceState(this SqliteWrite write, string runId, RunState state, int attempt, DateTimeOffset now, string? reason = null) =>
        write.Append(runId, now, RunEventDraft.Of(RunEventTypes.RunState, null, new { RunId = runId, State = state, Attempt = attempt, Reason = reason }));

    /// <summary>Stores an agent's standing and announces it if its state changed.</summary>
    public static void SaveAgent(this SqliteWrite write, string runId, AgentExecution agent, DateTimeOffset now)
    {
        var before = write.Connection.Query(
            "SELECT state FROM agents WHERE run_id = $id AND name = $name", row => row.GetString(0), ("$id", runId), ("$name", agent.Name)).SingleOrDefault()
            ?? throw new InvalidOperationException($"Run {runId} has no agent '{agent.Name}'.");
        var state = RunsJson.Word(agent.State);
        write.Connection.Execute(
            "UPDATE agents SET state = $state, standing = $standing, result = $result WHERE run_id = $id AND name = $name",
            ("$state", state), ("$standing", SqliteRows.Json(agent with { Result = null })),
            ("$result", agent.Result is null ? null : SqliteRows.Json(agent.Result)), ("$id", runId), ("$name", agent.Name));
        write.Touch(runId);
        if (before != state)
        {
            write.Append(runId, now, RunEventDraft.Of(RunEventTypes.AgentState, agent.Name, new
            {
                agent.State,
                agent.StopReason,
                agent.Degraded,
                agent.DegradedReason,
                agent.Error,
            }));
        }
    }

    /// <summary>Ends a run, and with it the agents that have not ended.</summary>
    public static void End(this SqliteWrite write, SqliteRunHead head, RunState state, string? error, DateTimeOffset now)
    {
        foreach (var agent in SqliteRows.Agents(write.Connection, head.Id, results: true).Where(agent => !agent.IsEnded))
            write.SaveAgent(head.Id, Stopped(agent, state, error, now), now);

        write.Connection.Execute("UPDATE agents SET checkpoint = NULL WHERE run_id = $id", ("$id", head.Id));
        write.Connection.Execute(
            """
            UPDATE runs SET state = $state, error = $error, ended_at = $now, worker_id = NULL, lease_expires = NULL,
                   cancel_requested = cancel_requested OR $state = 'cancelled' WHERE id = $id
            """,
            ("$state", RunsJson.Word(state)), ("$error", error), ("$now", now), ("$id", head.Id));
        write.AnnounceState(head.Id, state, head.Attempt, now, error);

        var run = SqliteRows.Run(write.Connection, head.Id)!;
        write.Append(head.Id, now, RunEventDraft.Of(RunEventTypes.RunEnd, null, new { State = state, Error = error, run.Usage }));
    }

    /// <summary>Takes a run from its worker without fault of the run; it is queued again, or ends if its end was asked for.</summary>
    public static void Requeue(this SqliteWrite write, SqliteRunHead head, string reason, DateTimeOffset now)
    {
        if (head.CancelRequested)
        {
            write.End(head, RunState.Cancelled, error: null, now);
            return;
        }

        write.Connection.Execute(
            "UPDATE runs SET state = 'queued', worker_id = NULL, lease_expires = NULL WHERE id = $id", ("$id", head.Id));
        write.AnnounceState(head.Id, RunState.Queued, head.Attempt, now, reason);
        write.TouchQueued(head.Id);
    }

    /// <summary>Takes a run from its worker and counts the attempt as lost; the last one ends the run with all the reasons.</summary>
    public static void LoseAttempt(this SqliteWrite write, SqliteRunHead head, string reason, int maxAttempts, DateTimeOffset now)
    {
        var failures = $"{head.Failures}{(head.Failures is null ? "" : " ")}Attempt {head.Attempt}: {reason}";
        write.Connection.Execute(
            "UPDATE runs SET failed_attempts = failed_attempts + 1, failures = $failures WHERE id = $id", ("$failures", failures), ("$id", head.Id));

        if (head.FailedAttempts + 1 >= maxAttempts && !head.CancelRequested)
            write.End(head, RunState.Failed, $"{head.FailedAttempts + 1} attempts were lost. {failures}", now);
        else
            write.Requeue(head, reason, now);
    }

    private static AgentExecution Stopped(AgentExecution agent, RunState state, string? error, DateTimeOffset now) => state switch
    {
        RunState.Cancelled => agent with { State = AgentState.Cancelled, StopReason = StopReason.Cancelled, EndedAt = now },
        RunState.TimedOut => agent with { State = AgentState.Failed, StopReason = StopReason.BudgetTime, Error = error ?? "The run passed its time limit.", EndedAt = now },
        _ => agent with { State = AgentState.Failed, StopReason = StopReason.Error, Error = error ?? "The run ended before the agent did.", EndedAt = now },
    };
}
