namespace Agents.Runs;

/// <summary>The types of <see cref="RunEvent"/>. Who writes each: the store for what it changes, in the same transaction; the worker for the rest.</summary>
public static class RunEventTypes
{
    /// <summary>The run changed state: <c>run_id, state, attempt, reason?</c>. Written by the store.</summary>
    public const string RunState = "run.state";

    /// <summary>An agent changed state: <c>state, stop_reason?, degraded, degraded_reason?, error?</c>. Written by the store.</summary>
    public const string AgentState = "agent.state";

    /// <summary>A piece of an agent's text: <c>text</c>. Written by the worker, at most 20 a second per agent.</summary>
    public const string TextDelta = "text.delta";

    /// <summary>A tool call is about to be dispatched: <c>number, tool, arguments</c>. Written by the store.</summary>
    public const string ToolCall = "tool.call";

    /// <summary>A tool call ended: <c>number, tool, is_error, duration_ms, result_chars, preview</c>. Written by the store.</summary>
    public const string ToolResult = "tool.result";

    /// <summary>Consent to a tool call is wanted, or was given or refused: <c>id, state, tool, arguments, reason?, decided_by?</c>. Written by the store.</summary>
    public const string Approval = "approval";

    /// <summary>What the agent said since its last tool result is void; the turn is told again: <c>reason</c>. Written by the worker.</summary>
    public const string TurnReset = "turn.reset";

    /// <summary>What an agent consumed so far: a <see cref="RunUsage"/>. Written by the worker.</summary>
    public const string Usage = "usage";

    /// <summary>The run reached a final state: <c>state, error?, usage</c>. The last event of every run. Written by the store.</summary>
    public const string RunEnd = "run.end";
}
