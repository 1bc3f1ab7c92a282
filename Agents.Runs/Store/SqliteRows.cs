using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace Agents.Runs;

/// <summary>Rows as the records of the contract.</summary>
internal static class SqliteRows
{
    public const string Queued = "queued";
    public const string Running = "running";

    private const string RunColumns =
        "id, state, request, attempt, failed_attempts, cancel_requested, created_at, started_at, ended_at, error, ordinal";

    /// <summary>A run with its agents; null if there is none of that id.</summary>
    public static AgentRun? Run(SqliteConnection connection, string runId)
    {
        var run = connection.Query($"SELECT {RunColumns} FROM runs WHERE id = $id", ReadRun, ("$id", runId)).SingleOrDefault().Run;
        return run is null ? null : run with { Agents = Agents(connection, runId, results: true) };
    }

    /// <summary>Runs older than <paramref name="before"/>, newest first, each with its place in that order.</summary>
    public static List<(AgentRun Run, long Ordinal)> Page(SqliteConnection connection, RunState? state, long before, int limit)
    {
        var runs = connection.Query(
            $"SELECT {RunColumns} FROM runs WHERE ordinal < $before AND ($state IS NULL OR state = $state) ORDER BY ordinal DESC LIMIT $limit",
            ReadRun,
            ("$before", before), ("$state", state is { } wanted ? RunsJson.Word(wanted) : null), ("$limit", limit));
        return [.. runs.Select(row => (row.Run with { Agents = Agents(connection, row.Run.Id, results: false) }, row.Ordinal))];
    }

    public static List<AgentExecution> Agents(SqliteConnection connection, string runId, bool results) => connection.Query(
        $"SELECT standing, {(results ? "result" : "NULL")} FROM agents WHERE run_id = $id ORDER BY position",
        row => Parse<AgentExecution>(row.GetString(0)) with { Result = row.Text(1) is { } result ? Parse<AgentResult>(result) : null },
        ("$id", runId));

    public static RunEvent Event(SqliteDataReader row) =>
        new(row.GetInt64(0), row.GetString(1), row.Time(2)!.Value, row.Text(3), Parse<JsonElement>(row.GetString(4)));

    public static ToolCallRecord ToolCall(SqliteDataReader row) => new()
    {
        Number = row.GetInt32(0),
        Agent = row.GetString(1),
        Tool = row.GetString(2),
        Arguments = Parse<JsonElement>(row.GetString(3)),
        StartedAt = row.Time(4)!.Value,
        Result = row.Text(5),
        IsError = row.IsDBNull(6) ? null : row.GetBoolean(6),
        DurationMs = row.IsDBNull(7) ? null : row.GetDouble(7),
    };

    public static string Json<T>(T value) => JsonSerializer.Serialize(value, RunsJson.Options);

    public static T Parse<T>(string json) => JsonSerializer.Deserialize<T>(json, RunsJson.Options)!;

    /// <summary>The value of an enum's <see cref="RunsJson.Word"/>.</summary>
    public static T Enum<T>(string word) where T : struct, Enum => Parse<T>($"\"{word}\"");

    private static (AgentRun Run, long Ordinal) ReadRun(SqliteDataReader row)
    {
        var request = Parse<SqliteRunRequest>(row.GetString(2));
        return (request.ToRun(row.GetString(0)) with
        {
            State = Enum<RunState>(row.GetString(1)),
            Attempt = row.GetInt32(3),
            FailedAttempts = row.GetInt32(4),
            CancelRequested = row.GetBoolean(5),
            CreatedAt = row.Time(6)!.Value,
            StartedAt = row.Time(7),
            EndedAt = row.Time(8),
            Error = row.Text(9),
        }, row.GetInt64(10));
    }
}

/// <summary>What a client asked for: the part of a run that never changes.</summary>
internal sealed record SqliteRunRequest(
    string Repository,
    string Query,
    JsonElement? Context,
    RunInput? Input,
    RunBudget Budget,
    RunTools? Tools,
    string? ConversationId,
    IReadOnlyDictionary<string, string>? Metadata,
    string? TraceParent)
{
    public static SqliteRunRequest Of(AgentRun run) => new(
        run.Repository, run.Query, run.Context, run.Input, run.Budget, run.Tools, run.ConversationId, run.Metadata, run.TraceParent);

    public AgentRun ToRun(string id) => new()
    {
        Id = id,
        Repository = Repository,
        Query = Query,
        Agents = [],
        Context = Context,
        Input = Input,
        Budget = Budget,
        Tools = Tools,
        ConversationId = ConversationId,
        Metadata = Metadata,
        TraceParent = TraceParent,
    };
}
