using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;

namespace Agents.Runs;

/// <summary>Runs in agents.db.</summary>
internal sealed class SqliteRunStore(SqliteDatabase database, IOptions<RunStorageOptions> options, TimeProvider time) : IRunStore
{
    private const string CallColumns = "number, agent, tool, arguments, started_at, result, is_error, duration_ms";

    private readonly RunStorageOptions _options = options.Value;

    public Task CreateAsync(AgentRun run, CancellationToken cancellationToken) => database.WriteAsync(write =>
    {
        Create(write, run);
        return true;
    }, cancellationToken);

    public Task<Submission> CreateOnceAsync(AgentRun run, SubmissionKey key, CancellationToken cancellationToken) => database.WriteAsync(write =>
    {
        var now = time.GetUtcNow();
        write.Connection.Execute("DELETE FROM submissions WHERE expires <= $now", ("$now", now));
        if (Find(write.Connection, key, now) is { } earlier)
            return earlier;

        Create(write, run);
        write.Connection.Execute(
            "INSERT INTO submissions (digest, fingerprint, run_id, expires) VALUES ($digest, $fingerprint, $id, $expires)",
            ("$digest", key.Digest), ("$fingerprint", key.Fingerprint), ("$id", run.Id), ("$expires", now + _options.SubmissionKeys));
        return new Submission(SubmissionOutcome.Created, SqliteRows.Run(write.Connection, run.Id));
    }, cancellationToken);

    public Task<Submission?> FindSubmissionAsync(SubmissionKey key, CancellationToken cancellationToken) =>
        Read(connection => Find(connection, key, time.GetUtcNow()), cancellationToken);

    public Task<AgentRun?> GetAsync(string runId, CancellationToken cancellationToken) =>
        Read(connection => SqliteRows.Run(connection, runId), cancellationToken);

    public Task<RunPage> ListAsync(RunFilter filter, CancellationToken cancellationToken)
    {
        // A wrong cursor is refused before anything is read.
        _ = filter.Before;
        return Read(connection =>
        {
            var limit = filter.PageSize;
            var page = SqliteRows.Page(connection, filter, limit + 1);
            var next = page.Count > limit ? page[limit - 1].Ordinal.ToString(System.Globalization.CultureInfo.InvariantCulture) : null;
            return new RunPage([.. page.Take(limit).Select(row => row.Run)], next);
        }, cancellationToken);
    }

    public Task<IReadOnlyList<AgentRun>> ReadConversationAsync(string? owner, string conversationId, int limit, CancellationToken cancellationToken) =>
        Read<IReadOnlyList<AgentRun>>(connection =>
        {
            var runs = SqliteRows.Conversation(connection, owner, conversationId, Math.Clamp(limit, 1, RunFilter.MaxLimit));
            runs.Reverse();
            return runs;
        }, cancellationToken);

    public Task<AgentRun?> RequestCancelAsync(string runId, CancellationToken cancellationToken) => database.WriteAsync(write =>
    {
        var now = time.GetUtcNow();
        if (SqliteRows.Standing(write.Connection, runId) is { } run
            && RunTransitions.RequestCancel(run, SqliteRows.Agents(write.Connection, runId, results: true), now) is { } step)
        {
            write.Apply(step, now);
        }

        return SqliteRows.Run(write.Connection, runId);
    }, cancellationToken);

    public Task<RunDeletion> DeleteAsync(string runId, CancellationToken cancellationToken) => database.WriteAsync(write =>
    {
        var run = SqliteRows.Standing(write.Connection, runId);
        if (run is null)
            return RunDeletion.NotFound;
        if (!run.State.IsEnded())
            return RunDeletion.NotEnded;
        write.Connection.Execute("DELETE FROM runs WHERE id = $id", ("$id", runId));
        return RunDeletion.Deleted;
    }, cancellationToken);

    public async Task<int> PruneAsync(CancellationToken cancellationToken)
    {
        // In pieces, so that nobody waits long for the writer's place.
        const int Piece = 200;
        var deleted = 0;
        int piece;
        do
        {
            piece = await database.WriteAsync(write => write.Connection.Execute(
                "DELETE FROM runs WHERE ordinal IN (SELECT ordinal FROM runs WHERE ended_at <= $before LIMIT $piece)",
                ("$before", time.GetUtcNow() - _options.Retention), ("$piece", Piece)), cancellationToken).ConfigureAwait(false);
            deleted += piece;
        }
        while (piece == Piece);
        return deleted;
    }

    public Task SaveAsync(RunLease lease, RunChange change, CancellationToken cancellationToken) => database.WriteAsync(write =>
    {
        RunStanding.Fence(SqliteRows.Standing(write.Connection, lease.RunId), lease);
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
        RunStanding.Fence(SqliteRows.Standing(write.Connection, lease.RunId), lease);
        var now = time.GetUtcNow();
        var number = (int)write.Connection.Number("UPDATE runs SET last_call = last_call + 1 WHERE id = $id RETURNING last_call", ("$id", lease.RunId));
        write.Connection.Execute(
            "INSERT INTO tool_calls (run_id, number, agent, tool, arguments, started_at) VALUES ($id, $number, $agent, $tool, $arguments, $now)",
            ("$id", lease.RunId), ("$number", number), ("$agent", call.Agent), ("$tool", call.Tool), ("$arguments", StoredJson.Write(call.Arguments)), ("$now", now));
        write.Append(lease.RunId, now, RunEventDraft.Of(RunEventTypes.ToolCall, call.Agent, new { Number = number, call.Tool, call.Arguments }));
        return number;
    }, cancellationToken);

    public Task<IReadOnlyList<RunApproval>> RequestApprovalsAsync(RunLease lease, IReadOnlyList<ApprovalRequest> requests, CancellationToken cancellationToken) =>
        database.WriteAsync(write =>
        {
            var now = time.GetUtcNow();
            var run = RunStanding.Fence(SqliteRows.Standing(write.Connection, lease.RunId), lease);
            if (ApprovalTransitions.Request(run, requests, now) is not { } step)
                return run.Approvals;
            write.Apply(step, now);
            return step.Run.Approvals;
        }, cancellationToken);

    public Task<ApprovalAnswer> DecideApprovalAsync(string runId, string approvalId, ApprovalDecision decision, CancellationToken cancellationToken) =>
        database.WriteAsync(write =>
        {
            if (SqliteRows.Standing(write.Connection, runId) is not { } run)
                return new ApprovalAnswer(ApprovalOutcome.NotFound, null);
            var now = time.GetUtcNow();
            var (step, answer) = ApprovalTransitions.Decide(run, SqliteRows.Agents(write.Connection, runId, results: true), approvalId, decision, now);
            if (step is not null)
                write.Apply(step, now);
            return answer;
        }, cancellationToken);

    public Task EndAsync(RunLease lease, RunState state, string? error, CancellationToken cancellationToken)
    {
        if (!state.IsEnded())
            throw new ArgumentOutOfRangeException(nameof(state), state, "A run ends in a final state.");

        return database.WriteAsync(write =>
        {
            var now = time.GetUtcNow();
            var run = RunStanding.Fence(SqliteRows.Standing(write.Connection, lease.RunId), lease);
            write.Apply(RunTransitions.End(run, SqliteRows.Agents(write.Connection, lease.RunId, results: true), state, error, now), now);
            return true;
        }, cancellationToken);
    }

    public Task<IReadOnlyList<AgentCheckpoint>> GetCheckpointsAsync(string runId, CancellationToken cancellationToken) =>
        Read<IReadOnlyList<AgentCheckpoint>>(connection => connection.Query(
            "SELECT name, checkpoint FROM agents WHERE run_id = $id AND checkpoint IS NOT NULL ORDER BY position",
            row => new AgentCheckpoint(row.GetString(0), StoredJson.Read<System.Text.Json.JsonElement>(row.GetString(1))),
            ("$id", runId)), cancellationToken);

    public Task<IReadOnlyList<ToolCallRecord>> ListToolCallsAsync(string runId, CancellationToken cancellationToken) =>
        Read<IReadOnlyList<ToolCallRecord>>(connection => connection.Query(
            $"SELECT {CallColumns} FROM tool_calls WHERE run_id = $id ORDER BY number", SqliteRows.ToolCall, ("$id", runId)), cancellationToken);

    public Task<ToolCallRecord?> GetToolCallAsync(string runId, int number, CancellationToken cancellationToken) =>
        Read(connection => connection.Query(
            $"SELECT {CallColumns} FROM tool_calls WHERE run_id = $id AND number = $number",
            SqliteRows.ToolCall, ("$id", runId), ("$number", number)).SingleOrDefault(), cancellationToken);

    private static Submission? Find(SqliteConnection connection, SubmissionKey key, DateTimeOffset now)
    {
        var (fingerprint, runId) = connection.Query(
            "SELECT fingerprint, run_id FROM submissions WHERE digest = $digest AND expires > $now",
            row => (row.GetString(0), row.GetString(1)), ("$digest", key.Digest), ("$now", now)).SingleOrDefault();
        if (runId is null)
            return null;
        return fingerprint == key.Fingerprint
            ? new Submission(SubmissionOutcome.Repeated, SqliteRows.Run(connection, runId))
            : new Submission(SubmissionOutcome.KeyReused, null);
    }

    private Task<T> Read<T>(Func<SqliteConnection, T> look, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(database.Read(look));
    }

    private void Create(SqliteWrite write, AgentRun run)
    {
        write.Connection.Execute(
            """
            INSERT INTO runs (id, state, request, created_at, owner, repository, conversation_id)
            VALUES ($id, 'queued', $request, $created, $owner, $repository, $conversation)
            """,
            ("$id", run.Id), ("$request", StoredJson.Write(RunRequest.Of(run))), ("$created", run.CreatedAt), ("$owner", run.Owner),
            ("$repository", run.Repository), ("$conversation", run.ConversationId));
        for (var position = 0; position < run.Agents.Count; position++)
        {
            var agent = run.Agents[position];
            write.Connection.Execute(
                "INSERT INTO agents (run_id, position, name, state, standing) VALUES ($id, $position, $name, $state, $standing)",
                ("$id", run.Id), ("$position", position), ("$name", agent.Name),
                ("$state", RunsJson.Word(agent.State)), ("$standing", StoredJson.Write(agent with { Result = null })));
        }

        write.Append(run.Id, time.GetUtcNow(), [.. RunTransitions.Begin(run).Events]);
        write.TouchQueued(run.Id);
    }

    private static void SaveCheckpoint(SqliteWrite write, string runId, AgentCheckpoint checkpoint)
    {
        var saved = write.Connection.Execute(
            "UPDATE agents SET checkpoint = $checkpoint WHERE run_id = $id AND name = $name",
            ("$checkpoint", StoredJson.Write(checkpoint.State)), ("$id", runId), ("$name", checkpoint.Agent));
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

        write.Append(runId, now, RunTransitions.Announce(call, agent!, tool));
    }
}
