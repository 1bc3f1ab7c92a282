using System.Text.Json;

namespace Agents.Runs;

/// <summary>Where a request for consent stands. The last two states are final.</summary>
public enum ApprovalState
{
    /// <summary>Nobody decided yet.</summary>
    Pending,

    /// <summary>The call is made.</summary>
    Approved,

    /// <summary>The call is not made; the model is told why.</summary>
    Denied,
}

/// <summary>A tool call that is made only with somebody's consent (<see cref="RunTools.RequireApproval"/>).</summary>
public sealed record RunApproval
{
    /// <summary>Names the request within its run.</summary>
    public required string Id { get; init; }

    /// <summary>The agent that wants to call.</summary>
    public required string Agent { get; init; }

    /// <summary>The tool, as its server names it.</summary>
    public required string Tool { get; init; }

    /// <summary>The arguments, a JSON object.</summary>
    public required JsonElement Arguments { get; init; }

    /// <summary>Where the request stands.</summary>
    public ApprovalState State { get; init; }

    /// <summary>Why it was decided so, in the words of who did.</summary>
    public string? Reason { get; init; }

    /// <summary>Who decided; null where nobody is authenticated.</summary>
    public string? DecidedBy { get; init; }

    /// <summary>When the agent asked.</summary>
    public DateTimeOffset RequestedAt { get; init; }

    /// <summary>When it was decided.</summary>
    public DateTimeOffset? DecidedAt { get; init; }
}

/// <summary>A tool call for which consent is wanted.</summary>
/// <param name="Id">Names the request within its run; the same however often it is asked for.</param>
/// <param name="Agent">The agent that wants to call.</param>
/// <param name="Tool">The tool, as its server names it.</param>
/// <param name="Arguments">The arguments, a JSON object.</param>
public sealed record ApprovalRequest(string Id, string Agent, string Tool, JsonElement Arguments);

/// <summary>What somebody decided.</summary>
/// <param name="Approve">Whether the call may be made.</param>
/// <param name="Reason">Why, told to the model when it may not.</param>
/// <param name="By">Who decided; null where nobody is authenticated.</param>
public sealed record ApprovalDecision(bool Approve, string? Reason, string? By);

/// <summary>What came of a decision.</summary>
public enum ApprovalOutcome
{
    /// <summary>It holds.</summary>
    Decided,

    /// <summary>Somebody decided before; that holds.</summary>
    AlreadyDecided,

    /// <summary>The run ended before anybody decided.</summary>
    RunEnded,

    /// <summary>The run has no such request, or there is no such run.</summary>
    NotFound,
}

/// <summary>What came of a decision.</summary>
/// <param name="Outcome">Whether it holds.</param>
/// <param name="Approval">The request as it is now; null when there is none.</param>
public sealed record ApprovalAnswer(ApprovalOutcome Outcome, RunApproval? Approval);
