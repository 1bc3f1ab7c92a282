using System.Globalization;

namespace Agents.Runs;

/// <summary>Which runs to list, newest first.</summary>
public sealed record RunFilter
{
    /// <summary>Only runs in this state; null lists all.</summary>
    public RunState? State { get; init; }

    /// <summary>Only runs about this repository; null lists all.</summary>
    public string? Repository { get; init; }

    /// <summary>Only runs with this agent; null lists all.</summary>
    public string? Agent { get; init; }

    /// <summary>Only runs of this conversation; null lists all.</summary>
    public string? ConversationId { get; init; }

    /// <summary>Only runs this caller made; null lists all.</summary>
    public string? Owner { get; init; }

    /// <summary>Only runs stored at this time or later.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>Only runs stored before this time.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>The most runs on one page.</summary>
    public const int MaxLimit = 200;

    /// <summary>At most so many, 1 to <see cref="MaxLimit"/>.</summary>
    public int Limit { get; init; } = 50;

    /// <summary><see cref="RunPage.Next"/> of the page before; null begins with the newest.</summary>
    public string? Cursor { get; init; }

    /// <summary>The number of runs that fit on the page.</summary>
    internal int PageSize => Math.Clamp(Limit, 1, MaxLimit);

    /// <summary>The place in the order of runs that the page begins below.</summary>
    /// <exception cref="FormatException"><see cref="Cursor"/> is not one of ours.</exception>
    internal long Before => Cursor is null ? long.MaxValue
        : long.TryParse(Cursor, NumberStyles.None, CultureInfo.InvariantCulture, out var ordinal) ? ordinal
        : throw new FormatException($"'{Cursor}' is not a cursor this service gave; leave it out to begin with the newest run.");
}

/// <summary>One page of runs. The agents come without their results, which may be long; <see cref="IRunStore.GetAsync"/> has them.</summary>
/// <param name="Runs">The runs, newest first.</param>
/// <param name="Next">The cursor of the next page; null on the last.</param>
public sealed record RunPage(IReadOnlyList<AgentRun> Runs, string? Next);

/// <summary>What came of a request to delete a run.</summary>
public enum RunDeletion
{
    /// <summary>The run, its events, tool calls and checkpoints are gone.</summary>
    Deleted,

    /// <summary>There is no such run.</summary>
    NotFound,

    /// <summary>The run has not ended; cancel it first.</summary>
    NotEnded,
}
