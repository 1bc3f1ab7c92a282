namespace Agents.Runs;

/// <summary>Steps as SQL. Each belongs inside a write transaction together with the read that allows it.</summary>
internal static class SqliteSteps
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
                ("$id", runId), ("$sequence", ++sequence), ("$type", draft.Type), ("$at", now), ("$agent", draft.Agent), ("$data", StoredJson.Write(draft.Data)));
        }

        return last;
    }

    /// <summary>Stores a run's new standing with its agents and events.</summary>
    public static void Apply(this SqliteWrite write, RunStep step, DateTimeOffset now)
    {
        var run = step.Run;
        write.Connection.Execute(
            """
            UPDATE runs SET state = $state, attempt = $attempt, failed_attempts = $failed, failures = $failures, cancel_requested = $cancel,
                   worker_id = $worker, lease_expires = $expires, started_at = $started, ended_at = $ended, error = $error,
                   approvals = $approvals WHERE id = $id
            """,
            ("$state", RunsJson.Word(run.State)), ("$attempt", run.Attempt), ("$failed", run.FailedAttempts), ("$failures", run.Failures),
            ("$cancel", run.CancelRequested), ("$worker", run.WorkerId), ("$expires", run.LeaseExpires), ("$started", run.StartedAt),
            ("$ended", run.EndedAt), ("$error", run.Error),
            ("$approvals", run.Approvals.Count == 0 ? null : StoredJson.Write(run.Approvals)), ("$id", run.Id));
        foreach (var agent in step.Agents)
            write.StoreAgent(run.Id, agent);
        if (step.Ends)
            write.Connection.Execute("UPDATE agents SET checkpoint = NULL WHERE run_id = $id", ("$id", run.Id));
        if (step.Queues)
            write.TouchQueued(run.Id);
        if (step.Message is { } message)
        {
            write.Connection.Execute(
                "INSERT OR IGNORE INTO webhooks (id, run_id, due) SELECT $message, id, $now FROM runs WHERE id = $id AND json_extract(request, '$.webhook.url') IS NOT NULL",
                ("$message", message), ("$now", now), ("$id", run.Id));
        }

        write.Append(run.Id, now, [.. step.Events]);
    }

    /// <summary>Stores an agent's standing and announces it if its state changed.</summary>
    public static void SaveAgent(this SqliteWrite write, string runId, AgentExecution agent, DateTimeOffset now)
    {
        var before = write.Connection.Query(
            "SELECT state FROM agents WHERE run_id = $id AND name = $name", row => row.GetString(0), ("$id", runId), ("$name", agent.Name)).SingleOrDefault()
            ?? throw new InvalidOperationException($"Run {runId} has no agent '{agent.Name}'.");
        write.StoreAgent(runId, agent);
        write.Touch(runId);
        if (before != RunsJson.Word(agent.State))
            write.Append(runId, now, RunTransitions.Announce(agent));
    }

    private static void StoreAgent(this SqliteWrite write, string runId, AgentExecution agent) => write.Connection.Execute(
        "UPDATE agents SET state = $state, standing = $standing, result = $result WHERE run_id = $id AND name = $name",
        ("$state", RunsJson.Word(agent.State)), ("$standing", StoredJson.Write(agent with { Result = null })),
        ("$result", agent.Result is null ? null : StoredJson.Write(agent.Result)), ("$id", runId), ("$name", agent.Name));
}
