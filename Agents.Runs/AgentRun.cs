using System.Text.Json;

namespace Agents.Runs;

/// <summary>One question to one or many agents about one repository: what was asked, where it stands, what came of it.</summary>
public sealed record AgentRun
{
    /// <summary>Names the run everywhere; see <see cref="NewId"/>.</summary>
    public required string Id { get; init; }

    /// <summary>Where the run stands.</summary>
    public RunState State { get; init; }

    /// <summary>The repository's configured name.</summary>
    public required string Repository { get; init; }

    /// <summary>The question.</summary>
    public required string Query { get; init; }

    /// <summary>The agents, in the order asked for; at least one, each name once.</summary>
    public required IReadOnlyList<AgentExecution> Agents { get; init; }

    /// <summary>Whatever the client wants the agents to know; a JSON object.</summary>
    public JsonElement? Context { get; init; }

    /// <summary>What to look at and how.</summary>
    public RunInput? Input { get; init; }

    /// <summary>The limits of each agent.</summary>
    public RunBudget Budget { get; init; } = new();

    /// <summary>Which tools may be used; null allows all.</summary>
    public RunTools? Tools { get; init; }

    /// <summary>The conversation the run belongs to, named by the client.</summary>
    public string? ConversationId { get; init; }

    /// <summary>Who made the run: the caller's principal; null where nobody is authenticated.</summary>
    public string? Owner { get; init; }

    /// <summary>Where its client wants to be told; null where nobody does.</summary>
    public RunWebhook? Webhook { get; init; }

    /// <summary>The client's own labels, given back unchanged.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }

    /// <summary>When the run was stored.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When a worker first took it.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it reached a final state.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>How often a worker took it: 0 before the first. The fencing token of <see cref="RunLease"/>.</summary>
    public int Attempt { get; init; }

    /// <summary>How many of the attempts were lost. A hand-back loses none; <see cref="RunQueueOptions.MaxAttempts"/> end the run.</summary>
    public int FailedAttempts { get; init; }

    /// <summary>Whether somebody asked for the end of the run. It ends when its worker has stopped.</summary>
    public bool CancelRequested { get; init; }

    /// <summary>The tool calls for which consent was asked; null when there were none.</summary>
    public IReadOnlyList<RunApproval>? Approvals { get; init; }

    /// <summary>Why the run failed.</summary>
    public string? Error { get; init; }

    /// <summary>W3C <c>traceparent</c> of the request that made the run; the worker's spans continue it.</summary>
    public string? TraceParent { get; init; }

    /// <summary>What all agents consumed together.</summary>
    public RunUsage Usage => Agents.Aggregate(RunUsage.Zero, (sum, agent) => sum + agent.Usage);

    /// <summary>A new id: it sorts by time and cannot be guessed from another.</summary>
    public static string NewId(TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        return $"run_{Guid.CreateVersion7(time.GetUtcNow()):N}";
    }
}
