using System.Globalization;
using System.Text.Json;

namespace Agents.Runs;

/// <summary>Runs in agents.db.</summary>
internal sealed class SqliteRunStore(SqliteDatabase database, TimeProvider time) : IRunStore
{
    private const int PreviewChars = 500;
    private const string CallColumns = "number, agent, tool, arguments, started_at, result, is_error, duration_ms";

    public Task CreateAsync(AgentRun run, CancellationToken cancellationToken) => database.WriteAsync(write =>
    {
        write.Connection.Execute(
            "INSERT INTO runs (id, state, request, created_at) VALUES ($id, 'queued', $request, $created)",
            ("$id", run.Id), ("$request", SqliteRows.Json(SqliteRunRequest.Of(run))), ("$created", run.CreatedAt));
        for (var position = 0; position < run.Agents.Count; position++)
        {
            var agent = run.Agents[position];
            write.Connection.Execute(
                "INSERT INTO agents (run_id, position, name, state, standing) VALUES ($id, $position, $name, $state, $standing)",
                ("$id", run.Id), ("$position", position), ("$name", agent.Name),
                ("$state", RunsJson.Word(agent.State)), ("$standing", SqliteRows.Json(agent with { Result = null })));
        }

        write.AnnounceState(run.Id, RunState.Queued, attempt: 0, time.GetUtcNow());
        write.TouchQueued(run.Id);
        return true;
    }, cancellationToken);

    public Task<AgentRun?> GetAsync(string runId, CancellationToken cancellationToken) =>
        Read(connection => SqliteRows.Run(connection, runId), cancellationToken);

    public Task<RunPage> ListAsync(RunFilter filter, CancellationToken cancellationToken)
    {
        var before = filter.Cursor is null ? long.MaxValue : ParseCursor(filter.Cursor);
        return Read(connection =>
        {
            var limit = Math.Clamp(filter.Limit, 1, RunFilter.MaxLimit);
            var page = SqliteRows.Page(connection, filter.State, before, limit + 1);
            var next = page.Count > limit ? page[limit - 1].Ordinal.ToString(CultureInfo.InvariantCulture) : null;
            return new RunPage([.. page.Take(limit).Select(row => row.Run)], next);
        }, cancellationToken);
    }

    public Task<AgentRun?> RequestCancelAsync(string runId, CancellationToken cancellationToken) => database.WriteAsync(write =>
    {
        var head = SqliteRunHead.Find(write.Connection, runId);
        if (head is { State: RunState.Queued })
        {
            write.End(head, RunState.Cancelled, error: null, time.GetUtcNow());
        }
        else if (head is { CancelRequested: false } && !head.State.IsEnded())
        {
            write.Connection.Execute("UPDATE runs SET cancel_requested = 1 WHERE id = $id", ("$id", runId));
            write.AnnounceState(runId, head.State, head.Attempt, time.GetUtcNow(), "cancel requested");
        }

        return SqliteRows.Run(write.Connection, runId);
    }, cancellationToken);

    public Task<RunDeletion> DeleteAsync(string runId, CancellationToken cancellationToken) => database.WriteAsync(write =>
    {
        var head = SqliteRunHead.Find(write.Connection, runId);
        if (head is null)
            return RunDeletion.NotFound;
        if (!head.State.IsEnded())
            return RunDeletion.NotEnded;
        write.Connection.Execute("DELETE FROM runs WHERE id = $id", ("$id", runId));
        return RunDeletion.Deleted;
    }, cancellationToken);

    public Task SaveAsync(RunLease lease, RunChange change, CancellationToken cancellationToken) => database.WriteAsync(write =>
    {
        SqliteRunHead.Fence(write.Connection, lease);
        var now = time.GetUtcNow();
        foreach (var call in change.ToolCalls)
            EndToolCall(write, lease.RunId, call, now);
        if (change.Agent is not null)
            write.SaveAgent(lease.RunId, change.Agent, now);
        if (change.Checkpoint is not null)
            SaveCheckpoint(write, lease.RunId, change.Checkpoint);
        if (change.Events.Count > 0)
            write.Append(lease.RunId, now, [.. change.Events]);
        return true;
    }, cancellationToken);

    public Task<int> BeginToolCallAsync(RunLease lease, ToolCallStart call, CancellationToken cancellationToken) => database.WriteAsync(write =>
    {
        SqliteRunHead.Fence(write.Connection, lease);
        var now = time.GetUtcNow();
        var number = (int)write.Connection.Number("UPDATE runs SET last_call = last_call + 1 WHERE id = $id RETURNING last_call", ("$id", lease.RunId));
        write.Connection.Execute(
            "INSERT INTO tool_calls (run_id, number, agent, tool, arguments, started_at) VALUES ($id, $number, $agent, $tool, $arguments, $now)",
            ("$id", lease.RunId), ("$number", number), ("$agent", call.Agent), ("$tool", call.Tool), ("$arguments", SqliteRows.Json(call.Arguments)), ("$now", now));
        write.Append(lease.RunId, now, RunEventDraft.Of(RunEventTypes.ToolCall, call.Agent, new { Number = number, call.Tool, call.Arguments }));
        return number;
    }, cancellationToken);

    public Task EndAsync(RunLease lease, RunState state, string? error, CancellationToken cancellationToken)
    {
        if (!state.IsEnded())
            throw new ArgumentOutOfRangeException(nameof(state), state, "A run ends in a final state.");

        return database.WriteAsync(write =>
        {
            write.End(SqliteRunHead.Fence(write.Connection, lease), state, error, time.GetUtcNow());
            return true;
        }, cancellationToken);
    }

    public Task<IReadOnlyList<AgentCheckpoint>> GetCheckpointsAsync(string runId, CancellationToken cancellationToken) =>
        Read<IReadOnlyList<AgentCheckpoint>>(connection => connection.Query(
            "SELECT name, checkpoint FROM agents WHERE run_id = $id AND checkpoint IS NOT NULL ORDER BY position",
            row => new AgentCheckpoint(row.GetString(0), SqliteRows.Parse<JsonElement>(row.GetString(1))),
            ("$id", runId)), cancellationToken);

    public Task<IReadOnlyList<ToolCallRecord>> ListToolCallsAsync(string runId, CancellationToken cancellationToken) =>
        Read<IReadOnlyList<ToolCallRecord>>(connection => connection.Query(
            $"SELECT {CallColumns} FROM tool_calls WHERE run_id = $id ORDER BY number", SqliteRows.ToolCall, ("$id", runId)), cancellationToken);

    public Task<ToolCallRecord?> GetToolCallAsync(string runId, int number, CancellationToken cancellationToken) =>
        Read(connection => connection.Query(
            $"SELECT {CallColumns} FROM tool_calls WHERE run_id = $id AND number = $number",
            SqliteRows.ToolCall, ("$id", runId), ("$number", number)).SingleOrDefault(), cancellationToken);

    private Task<T> Read<T>(Func<Microsoft.Data.Sqlite.SqliteConnection, T> look, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(database.Read(look));
    }

    private static void SaveCheckpoint(SqliteWrite write, string runId, AgentCheckpoint checkpoint)
    {
        var saved = write.Connection.Execute(
            "UPDATE agents SET checkpoint = $checkpoint WHERE run_id = $id AND name = $name",
            ("$checkpoint", SqliteRows.Json(checkpoint.State)), ("$id", runId), ("$name", checkpoint.Agent));
        if (saved == 0)
            throw new InvalidOperationException($"Run {runId} has no agent '{checkpoint.Agent}'.");
    }

    private static void EndToolCall(SqliteWrite write, string runId, ToolCallEnd call, DateTimeOffset now)
    {
        var (agent, tool) = write.Connection.Query(
            """
            UPDATE tool_calls SET result = $result, is_error = $error, duration_ms = $duration
            WHERE run_id = $id AND number = $number AND result IS NULL RETURNING agent, tool
            """,
            row => (row.GetString(0), row.GetString(1)),
            ("$result", call.Result), ("$error", call.IsError), ("$duration", call.Duration.TotalMilliseconds),
            ("$id", runId), ("$number", call.Number)).SingleOrDefault();
        if (tool is null)
            throw new InvalidOperationException($"Run {runId} has no tool call {call.Number} under way.");

        write.Append(runId, now, RunEventDraft.Of(RunEventTypes.ToolResult, agent, new
        {
            call.Number,
            Tool = tool,
            call.IsError,
            DurationMs = Math.Round(call.Duration.TotalMilliseconds, 3),
            ResultChars = call.Result.Length,
            Preview = call.Result.Length <= PreviewChars ? call.Result : call.Result[..PreviewChars] + "…",
        }));
    }

    private static long ParseCursor(string cursor) =>
        long.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out var ordinal)
            ? ordinal
            : throw new FormatException($"'{cursor}' is not a cursor this service gave; leave it out to begin with the newest run.");
}
