using System.Globalization;
using System.Text.Json;
using StackExchange.Redis;

namespace Agents.Runs;

/// <summary>A run's record as it is in Redis: its standing, what was asked, and its agents without their results.</summary>
/// <param name="Standing">Where the run stands.</param>
/// <param name="Revision">Rises with each change of the standing or of an agent; a change is refused when it is not the one that was read.</param>
/// <param name="Place">The run's place in the order of runs.</param>
/// <param name="CreatedAt">When the run was stored.</param>
/// <param name="Request">What was asked.</param>
/// <param name="Submission">The digest of the idempotency key it was submitted with; null without one.</param>
/// <param name="Agents">The agents, without results.</param>
internal sealed record RedisRun(
    RunStanding Standing, long Revision, long Place, DateTimeOffset CreatedAt, RunRequest Request, string? Submission, IReadOnlyList<AgentExecution> Agents)
{
    private const string AgentPrefix = "agent:";

    public string Id => Standing.Id;

    /// <summary>The run as the contract has it, still without results.</summary>
    public AgentRun ToRun() => Request.ToRun(Standing, CreatedAt, Agents);

    /// <summary>The fields of a new run's record.</summary>
    public static RedisValue[] Fields(AgentRun run, RunStanding standing, long place, string? submission) =>
    [
        .. Fields(standing),
        "revision", 1, "submission", submission ?? "", "place", place, "created", Ticks(run.CreatedAt), "request", StoredJson.Write(RunRequest.Of(run)),
        "agents", StoredJson.Write(run.Agents.Select(agent => agent.Name)),
        .. run.Agents.SelectMany(Fields),
    ];

    /// <summary>The fields of a standing; what is null is stored empty.</summary>
    public static RedisValue[] Fields(RunStanding run) =>
    [
        "state", RunsJson.Word(run.State), "attempt", run.Attempt, "failed_attempts", run.FailedAttempts, "failures", run.Failures ?? "",
        "cancel_requested", run.CancelRequested ? 1 : 0, "worker", run.WorkerId ?? "", "expires", Ticks(run.LeaseExpires), "started", Ticks(run.StartedAt),
        "ended", Ticks(run.EndedAt), "error", run.Error ?? "", "approvals", run.Approvals.Count == 0 ? "" : StoredJson.Write(run.Approvals),
    ];

    /// <summary>The field of an agent.</summary>
    public static RedisValue[] Fields(AgentExecution agent) => [AgentPrefix + agent.Name, StoredJson.Write(agent with { Result = null })];

    /// <summary>The field of a lease's end.</summary>
    public static RedisValue[] Fields(DateTimeOffset expires) => ["expires", Ticks(expires)];

    /// <summary>Null when there is no run.</summary>
    public static RedisRun? Read(string id, HashEntry[] hash)
    {
        if (hash.Length == 0) return null;
        var fields = hash.ToDictionary(field => (string)field.Name!, field => (string)field.Value!, StringComparer.Ordinal);
        var standing = new RunStanding
        {
            Id = id,
            State = StoredJson.Enum<RunState>(fields["state"]),
            Attempt = int.Parse(fields["attempt"], CultureInfo.InvariantCulture),
            FailedAttempts = int.Parse(fields["failed_attempts"], CultureInfo.InvariantCulture),
            Failures = Text("failures"),
            CancelRequested = fields["cancel_requested"] == "1",
            WorkerId = Text("worker"),
            LeaseExpires = Time(fields["expires"]),
            StartedAt = Time(fields["started"]),
            EndedAt = Time(fields["ended"]),
            Error = Text("error"),
            Approvals = Text("approvals") is { } approvals ? StoredJson.Read<RunApproval[]>(approvals) : [],
        };
        return new RedisRun(
            standing,
            long.Parse(fields["revision"], CultureInfo.InvariantCulture),
            long.Parse(fields["place"], CultureInfo.InvariantCulture),
            Time(fields["created"])!.Value,
            StoredJson.Read<RunRequest>(fields["request"]),
            Text("submission"),
            [.. StoredJson.Read<string[]>(fields["agents"]).Select(name => StoredJson.Read<AgentExecution>(fields[AgentPrefix + name]))]);

        string? Text(string name) => fields.GetValueOrDefault(name) is { Length: > 0 } text ? text : null;
    }

    public static DateTimeOffset? Time(string? ticks) =>
        string.IsNullOrEmpty(ticks) ? null : new DateTimeOffset(long.Parse(ticks, CultureInfo.InvariantCulture), TimeSpan.Zero);

    private static RedisValue Ticks(DateTimeOffset? time) => time is { } set ? set.UtcTicks : "";
}

/// <summary>The fields of a run's work in Redis.</summary>
internal static class RedisWork
{
    public const string CheckpointPrefix = "checkpoint:";

    private const string ResultPrefix = "result:";

    public static RedisValue Result(string agent) => ResultPrefix + agent;

    public static RedisValue Checkpoint(string agent) => CheckpointPrefix + agent;
}

/// <summary>An event in Redis; its sequence is its place in the list.</summary>
internal sealed record RedisEvent(string Type, DateTimeOffset At, string? Agent, JsonElement Data)
{
    private const string NumberMember = """
        "data":{"number":
        """;

    public static string Write(RunEventDraft draft, DateTimeOffset now) => StoredJson.Write(new RedisEvent(draft.Type, now, draft.Agent, draft.Data));

    /// <summary>A <see cref="RunEventTypes.ToolCall"/> in the two parts around the number, which Redis gives.</summary>
    public static (string Before, string Behind) WriteAroundNumber(ToolCallStart call, DateTimeOffset now)
    {
        var json = Write(RunEventDraft.Of(RunEventTypes.ToolCall, call.Agent, new { Number = 0, call.Tool, call.Arguments }), now);
        // A quote within a text is escaped, so the first such member is the event's own.
        var number = json.IndexOf(NumberMember, StringComparison.Ordinal) + NumberMember.Length;
        return (json[..number], json[(number + 1)..]);
    }

    public static RunEvent Read(long sequence, string json)
    {
        var stored = StoredJson.Read<RedisEvent>(json);
        return new RunEvent(sequence, stored.Type, stored.At, stored.Agent, stored.Data);
    }
}

/// <summary>A tool call's start in Redis; its number is the field's name.</summary>
internal sealed record RedisCall(string Agent, string Tool, JsonElement Arguments, DateTimeOffset StartedAt);

/// <summary>A tool call's end in Redis.</summary>
internal sealed record RedisCallEnd(string Result, bool IsError, double DurationMs);
