using System.Text.Json.Nodes;
using Agents.Runs;

namespace Agents.Api.Stream;

/// <summary>
/// AG-UI events: a run is a run, an agent of it a step, what an agent says in a turn a message with the agent's name, and how run and agents
/// stand is the shared state <c>{run, agents, usage}</c>, kept by patches. All that was opened is closed before the run finishes, for the client refuses else.
/// </summary>
internal sealed class AgUiFormat(AgentRun run) : StreamFormat
{
    /// <summary>The label of a run that keeps the <c>runId</c> its client gave.</summary>
    public const string RunLabel = "ag_ui_run_id";

    private readonly string _threadId = run.ConversationId ?? run.Id;
    private readonly string _runId = run.Metadata?.GetValueOrDefault(RunLabel) ?? run.Id;
    private readonly AgentTexts _texts = new($"{run.Id}-");
    private readonly ToolCallIds _calls = new(run.Id);
    private readonly SortedSet<string> _steps = new(StringComparer.Ordinal);
    private bool _begun;

    public override void Tell(RunEvent runEvent, List<StreamFrame> frames)
    {
        // Whole milliseconds since 1970, as JavaScript counts.
        var timestamp = runEvent.At.ToUnixTimeMilliseconds();
        if (!_begun)
        {
            frames.Add(StreamFrame.Of(new { type = "RUN_STARTED", timestamp, threadId = _threadId, runId = _runId }));
            frames.Add(StreamFrame.Of(new { type = "STATE_SNAPSHOT", timestamp, snapshot = new { run = new { }, agents = new { }, usage = new { } } }));
            _begun = true;
        }

        frames.AddRange(runEvent.Type switch
        {
            RunEventTypes.RunState => [State("/run", runEvent.Known(), timestamp)],
            RunEventTypes.AgentState => AgentState(runEvent, timestamp),
            RunEventTypes.TextDelta => Text(runEvent, timestamp),
            RunEventTypes.TurnReset => Reset(runEvent, timestamp),
            RunEventTypes.ToolCall => ToolCall(runEvent, timestamp),
            RunEventTypes.ToolResult => ToolResult(runEvent, timestamp),
            RunEventTypes.Approval => Approval(runEvent, timestamp),
            RunEventTypes.Usage => Usage(runEvent, timestamp),
            RunEventTypes.RunEnd => End(runEvent, timestamp),
            _ => [],
        });
    }

    private IEnumerable<StreamFrame> AgentState(RunEvent runEvent, long timestamp)
    {
        var agent = runEvent.Agent!;
        var works = runEvent.Text("state") is "queued" or "running";
        if (Ended(_texts.Close(agent), timestamp) is { } ended)
            yield return ended;
        if (works && _steps.Add(agent))
            yield return StreamFrame.Of(new { type = "STEP_STARTED", timestamp, stepName = agent });
        yield return State($"/agents/{Pointer(agent)}", runEvent.Known(), timestamp);
        if (!works && _steps.Remove(agent))
            yield return StreamFrame.Of(new { type = "STEP_FINISHED", timestamp, stepName = agent });
    }

    private IEnumerable<StreamFrame> Text(RunEvent runEvent, long timestamp)
    {
        var (messageId, begins) = _texts.Speak(runEvent.Agent!);
        if (begins)
            yield return StreamFrame.Of(new { type = "TEXT_MESSAGE_START", timestamp, messageId, role = "assistant", name = runEvent.Agent });
        yield return StreamFrame.Of(new { type = "TEXT_MESSAGE_CONTENT", timestamp, messageId, delta = runEvent.Text("text") });
    }

    /// <summary>What was said cannot be taken back in this format: the client is told which message does not count.</summary>
    private IEnumerable<StreamFrame> Reset(RunEvent runEvent, long timestamp)
    {
        var voided = _texts.Void(runEvent.Agent!);
        if (Ended(voided, timestamp) is { } ended)
            yield return ended;
        yield return StreamFrame.Of(new
        {
            type = "CUSTOM",
            timestamp,
            name = RunEventTypes.TurnReset,
            value = new { agent = runEvent.Agent, messageId = voided, reason = runEvent.TextOrNull("reason") },
        });
    }

    private IEnumerable<StreamFrame> ToolCall(RunEvent runEvent, long timestamp)
    {
        if (Ended(_texts.Close(runEvent.Agent!), timestamp) is { } ended)
            yield return ended;
        var toolCallId = _calls.Begin(runEvent);
        yield return StreamFrame.Of(new
        {
            type = "TOOL_CALL_START",
            timestamp,
            toolCallId,
            toolCallName = runEvent.Text("tool"),
            parentMessageId = _texts.OfTurn(runEvent.Agent!),
        });
        yield return StreamFrame.Of(new { type = "TOOL_CALL_ARGS", timestamp, toolCallId, delta = runEvent.Data.GetProperty("arguments").GetRawText() });
        yield return StreamFrame.Of(new { type = "TOOL_CALL_END", timestamp, toolCallId });
    }

    private IEnumerable<StreamFrame> ToolResult(RunEvent runEvent, long timestamp)
    {
        if (_calls.End(runEvent) is { } toolCallId)
            yield return Result(toolCallId, runEvent.Text("preview"), runEvent.Known("tool", "preview"), timestamp);
    }

    /// <summary>The call itself is told when it is made.</summary>
    private IEnumerable<StreamFrame> Approval(RunEvent runEvent, long timestamp)
    {
        switch (runEvent.Text("state"))
        {
            case "pending":
                _calls.Want(runEvent);
                break;
            case var decided:
                _calls.Decide(runEvent, decided == "approved");
                break;
        }

        var value = runEvent.Known();
        value["agent"] = runEvent.Agent;
        yield return StreamFrame.Of(new { type = "CUSTOM", timestamp, name = RunEventTypes.Approval, value });
    }

    private IEnumerable<StreamFrame> Usage(RunEvent runEvent, long timestamp)
    {
        if (Ended(_texts.EndTurn(runEvent.Agent!), timestamp) is { } ended)
            yield return ended;
        yield return State($"/usage/{Pointer(runEvent.Agent!)}", runEvent.Known(), timestamp);
    }

    private IEnumerable<StreamFrame> End(RunEvent runEvent, long timestamp)
    {
        foreach (var id in _texts.CloseAll())
            yield return Ended(id, timestamp)!.Value;
        foreach (var toolCallId in _calls.Open)
            yield return Result(toolCallId, "The run ended before the call did.", new JsonObject { ["is_error"] = true }, timestamp);
        foreach (var stepName in _steps)
            yield return StreamFrame.Of(new { type = "STEP_FINISHED", timestamp, stepName });

        var state = runEvent.Text("state");
        var result = runEvent.Known();
        result["run_id"] = run.Id;
        yield return State("/run", result, timestamp);
        yield return state is "failed" or "timed_out"
            ? StreamFrame.Of(new { type = "RUN_ERROR", timestamp, message = runEvent.TextOrNull("error") ?? $"The run ended: {state}.", code = state })
            : StreamFrame.Of(new
            {
                type = "RUN_FINISHED",
                timestamp,
                threadId = _threadId,
                runId = _runId,
                result,
                outcome = new { type = state == "cancelled" ? "cancelled" : "success" },
            });
    }

    private static StreamFrame Result(string toolCallId, string content, JsonObject metadata, long timestamp) => StreamFrame.Of(new
    {
        type = "TOOL_CALL_RESULT",
        timestamp,
        messageId = $"{toolCallId}-result",
        toolCallId,
        content,
        role = "tool",
        metadata,
    });

    // RFC 6902: "add" puts the value there, whether there was one before or not.
    private static StreamFrame State(string path, JsonObject value, long timestamp) =>
        StreamFrame.Of(new { type = "STATE_DELTA", timestamp, delta = new[] { new { op = "add", path, value } } });

    private static StreamFrame? Ended(string? text, long timestamp) =>
        text is null ? null : StreamFrame.Of(new { type = "TEXT_MESSAGE_END", timestamp, messageId = text });

    // RFC 6901, 3.
    private static string Pointer(string name) => name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);
}
