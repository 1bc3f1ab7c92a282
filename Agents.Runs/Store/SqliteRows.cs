using Microsoft.Data.Sqlite;

namespace Agents.Runs;

/// <summary>Rows as the records of the contract.</summary>
internal static class SqliteRows
{
    public const string Queued = "queued";

    private const string StandingColumns =
        "id, state, attempt, failed_attempts, failures, cancel_requested, worker_id, lease_expires, started_at, ended_at, error, approvals";

    private const string RunColumns = StandingColumns + ", request, created_at, ordinal";

    /// <summary>Where a run stands; null if there is none of that id.</summary>
    public static RunStanding? Standing(SqliteConnection connection, string runId) =>
        connection.Query($"SELECT {StandingColumns} FROM runs WHERE id = $id", ReadStanding, ("$id", runId)).SingleOrDefault();

    /// <summary>The oldest queued run; null if none is queued.</summary>
    public static RunStanding? OldestQueued(SqliteConnection connection) => connection.Query(
        $"SELECT {StandingColumns} FROM runs WHERE state = 'queued' ORDER BY ordinal LIMIT 1", ReadStanding).SingleOrDefault();

    /// <summary>The runs whose worker stopped renewing its lease.</summary>
    public static List<RunStanding> Expired(SqliteConnection connection, DateTimeOffset now) => connection.Query(
        $"SELECT {StandingColumns} FROM runs WHERE state = 'running' AND lease_expires <= $now ORDER BY ordinal", ReadStanding, ("$now", now));

    /// <summary>A run with its agents; null if there is none of that id.</summary>
    public static AgentRun? Run(SqliteConnection connection, string runId)
    {
        var run = connection.Query($"SELECT {RunColumns} FROM runs WHERE id = $id", ReadRun, ("$id", runId)).SingleOrDefault().Run;
        return run is null ? null : run with { Agents = Agents(connection, runId, results: true) };
    }

    /// <summary>The next runs that match, newest first, each with its place in that order.</summary>
    public static List<(AgentRun Run, long Ordinal)> Page(SqliteConnection connection, RunFilter filter, int limit)
    {
        var runs = connection.Query(
            $"""
            SELECT {RunColumns} FROM runs WHERE ordinal < $before
            AND ($state IS NULL OR state = $state) AND ($repository IS NULL OR repository = $repository)
            AND ($conversation IS NULL OR conversation_id = $conversation) AND ($owner IS NULL OR owner = $owner)
            AND ($from IS NULL OR created_at >= $from) AND ($until IS NULL OR created_at < $until)
            AND ($agent IS NULL OR EXISTS (SELECT 1 FROM agents WHERE run_id = runs.id AND name = $agent))
            ORDER BY ordinal DESC LIMIT $limit
            """,
            ReadRun,
            ("$before", filter.Before), ("$state", filter.State is { } wanted ? RunsJson.Word(wanted) : null), ("$repository", filter.Repository),
            ("$conversation", filter.ConversationId), ("$owner", filter.Owner), ("$from", filter.From), ("$until", filter.Until), ("$agent", filter.Agent),
            ("$limit", limit));
        return [.. runs.Select(row => (row.Run with { Agents = Agents(connection, row.Run.Id, results: false) }, row.Ordinal))];
    }

    /// <summary>The last ended runs of a caller's conversation, newest first.</summary>
    public static List<AgentRun> Conversation(SqliteConnection connection, string? owner, string conversationId, int limit)
    {
        var runs = connection.Query(
            $"SELECT {RunColumns} FROM runs WHERE conversation_id = $conversation AND owner IS $owner AND ended_at IS NOT NULL ORDER BY ordinal DESC LIMIT $limit",
            ReadRun, ("$conversation", conversationId), ("$owner", owner), ("$limit", limit));
        return [.. runs.Select(row => row.Run with { Agents = Agents(connection, row.Run.Id, results: true) })];
    }

    public static List<AgentExecution> Agents(SqliteConnection connection, string runId, bool results) => connection.Query(
        $"SELECT standing, {(results ? "result" : "NULL")} FROM agents WHERE run_id = $id ORDER BY position",
        row => StoredJson.Read<AgentExecution>(row.GetString(0)) with { Result = row.Text(1) is { } result ? StoredJson.Read<AgentResult>(result) : null },
        ("$id", runId));

    public static RunEvent Event(SqliteDataReader row) =>
        new(row.GetInt64(0), row.GetString(1), row.Time(2)!.Value, row.Text(3), StoredJson.Read<System.Text.Json.JsonElement>(row.GetString(4)));

    public static ToolCallRecord ToolCall(SqliteDataReader row) => new()
    {
        Number = row.GetInt32(0),
        Agent = row.GetString(1),
        Tool = row.GetString(2),
        Arguments = StoredJson.Read<System.Text.Json.JsonElement>(row.GetString(3)),
        StartedAt = row.Time(4)!.Value,
        Result = row.Text(5),
        IsError = row.IsDBNull(6) ? null : row.GetBoolean(6),
        DurationMs = row.IsDBNull(7) ? null : row.GetDouble(7),
    };

    private static RunStanding ReadStanding(SqliteDataReader row) => new()
    {
        Id = row.GetString(0),
        State = StoredJson.Enum<RunState>(row.GetString(1)),
        Attempt = row.GetInt32(2),
        FailedAttempts = row.GetInt32(3),
        Failures = row.Text(4),
        CancelRequested = row.GetBoolean(5),
        WorkerId = row.Text(6),
        LeaseExpires = row.Time(7),
        StartedAt = row.Time(8),
        EndedAt = row.Time(9),
        Error = row.Text(10),
        Approvals = row.Text(11) is { } approvals ? StoredJson.Read<RunApproval[]>(approvals) : [],
    };

    private static (AgentRun Run, long Ordinal) ReadRun(SqliteDataReader row) =>
        (StoredJson.Read<RunRequest>(row.GetString(12)).ToRun(ReadStanding(row), row.Time(13)!.Value, agents: []), row.GetInt64(14));
}
