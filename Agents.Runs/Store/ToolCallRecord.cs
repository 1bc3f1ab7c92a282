using System.Text.Json;

namespace Agents.Runs;

/// <summary>A tool call of a run, stored before it is dispatched and again when it ended.</summary>
public sealed record ToolCallRecord
{
    /// <summary>The run's own count of calls: 1, 2, 3 …</summary>
    public required int Number { get; init; }

    /// <summary>The agent that called.</summary>
    public required string Agent { get; init; }

    /// <summary>The tool, as its server names it.</summary>
    public required string Tool { get; init; }

    /// <summary>The arguments.</summary>
    public required JsonElement Arguments { get; init; }

    /// <summary>The whole result; null while the call is under way, or when its worker was lost before the end.</summary>
    public string? Result { get; init; }

    /// <summary>Whether the tool said that it failed; null without a result.</summary>
    public bool? IsError { get; init; }

    /// <summary>When it was dispatched.</summary>
    public DateTimeOffset StartedAt { get; init; }

    /// <summary>Milliseconds from dispatch to end; null without a result.</summary>
    public double? DurationMs { get; init; }
}

/// <summary>A tool call that is about to be dispatched.</summary>
/// <param name="Agent">The agent that calls.</param>
/// <param name="Tool">The tool, as its server names it.</param>
/// <param name="Arguments">The arguments, a JSON object.</param>
public sealed record ToolCallStart(string Agent, string Tool, JsonElement Arguments);

/// <summary>How a tool call ended.</summary>
/// <param name="Number">The number given by <see cref="IRunStore.BeginToolCallAsync"/>.</param>
/// <param name="Result">The whole result as text.</param>
/// <param name="IsError">Whether the tool, or the way to it, failed.</param>
/// <param name="Duration">From dispatch to end.</param>
public sealed record ToolCallEnd(int Number, string Result, bool IsError, TimeSpan Duration);
