using System.Text.Json.Nodes;
using Agents.Runs;

namespace Agents.Api.Stream;

/// <summary>
/// The UI message stream of the Vercel AI SDK, version 1: a run is one assistant message. Agents speak in text parts of their own; which agent
/// it is stands in the part's <c>providerMetadata.agents</c>, for the client keeps no ids of parts. How run and agents stand are data parts
/// that are updated in place: <c>data-run</c>, <c>data-agent</c>, <c>data-usage</c>.
/// </summary>
internal sealed class UiMessageFormat(string runId) : StreamFormat
{
    private static readonly StreamFrame Done = new("[DONE]"u8.ToArray());

    private readonly AgentTexts _texts = new("");
    private readonly ToolCallIds _calls = new(runId);
    private bool _begun;

    public override void Prepare(IHeaderDictionary headers) => headers["x-vercel-ai-ui-message-stream"] = "v1";

    public override void Tell(RunEvent runEvent, List<StreamFrame> frames)
    {
        if (!_begun)
        {
            frames.Add(StreamFrame.Of(new { type = "start", messageId = runId }));
            frames.Add(StreamFrame.Of(new { type = "start-step" }));
            _begun = true;
        }

        frames.AddRange(runEvent.Type switch
        {
            RunEventTypes.RunState => [Data("data-run", "run", runEvent.Known())],
            RunEventTypes.AgentState => AgentState(runEvent),
            RunEventTypes.TextDelta => Text(runEvent),
            RunEventTypes.TurnReset => Reset(runEvent),
            RunEventTypes.ToolCall => ToolCall(runEvent),
            RunEventTypes.ToolResult => ToolResult(runEvent),
            RunEventTypes.Approval => Approval(runEvent),
            RunEventTypes.Usage => Usage(runEvent),
            RunEventTypes.RunEnd => End(runEvent),
            _ => [],
        });
    }

    private IEnumerable<StreamFrame> AgentState(RunEvent runEvent)
    {
        if (Ended(_texts.Close(runEvent.Agent!)) is { } ended)
            yield return ended;
        yield return Data("data-agent", runEvent.Agent!, runEvent.Known());
    }

    private IEnumerable<StreamFrame> Text(RunEvent runEvent)
    {
        var (id, begins) = _texts.Speak(runEvent.Agent!);
        if (begins)
            yield return StreamFrame.Of(new { type = "text-start", id, providerMetadata = new { agents = new { agent = runEvent.Agent, text = id } } });
        yield return StreamFrame.Of(new { type = "text-delta", id, delta = runEvent.Text("text") });
    }

    /// <summary>What was said cannot be taken back in this format: the client is told which text does not count.</summary>
    private IEnumerable<StreamFrame> Reset(RunEvent runEvent)
    {
        var voided = _texts.Void(runEvent.Agent!);
        if (Ended(voided) is { } ended)
            yield return ended;
        yield return StreamFrame.Of(new { type = "data-reset", data = new { agent = runEvent.Agent, text = voided, reason = runEvent.TextOrNull("reason") } });
    }

    private IEnumerable<StreamFrame> ToolCall(RunEvent runEvent)
    {
        if (Ended(_texts.Close(runEvent.Agent!)) is { } ended)
            yield return ended;
        yield return Input(_calls.Begin(runEvent), runEvent);
    }

    private IEnumerable<StreamFrame> ToolResult(RunEvent runEvent)
    {
        if (_calls.End(runEvent) is not { } toolCallId)
            yield break;
        yield return runEvent.Data.GetProperty("is_error").GetBoolean()
            ? StreamFrame.Of(new { type = "tool-output-error", toolCallId, errorText = runEvent.Text("preview") })
            : StreamFrame.Of(new { type = "tool-output-available", toolCallId, output = runEvent.Known("tool", "is_error") });
    }

    private IEnumerable<StreamFrame> Approval(RunEvent runEvent)
    {
        switch (runEvent.Text("state"))
        {
            case "pending":
                var toolCallId = _calls.Want(runEvent);
                yield return Input(toolCallId, runEvent);
                yield return StreamFrame.Of(new { type = "tool-approval-request", approvalId = runEvent.Text("id"), toolCallId });
                break;
            case "approved" when _calls.Decide(runEvent, approved: true) is { } approved:
                yield return Input(approved, runEvent);
                break;
            case "denied" when _calls.Decide(runEvent, approved: false) is { } denied:
                yield return StreamFrame.Of(new { type = "tool-output-denied", toolCallId = denied });
                break;
        }
    }

    private IEnumerable<StreamFrame> Usage(RunEvent runEvent)
    {
        if (Ended(_texts.EndTurn(runEvent.Agent!)) is { } ended)
            yield return ended;
        yield return Data("data-usage", runEvent.Agent!, runEvent.Known());
    }

    private IEnumerable<StreamFrame> End(RunEvent runEvent)
    {
        foreach (var id in _texts.CloseAll())
            yield return Ended(id)!.Value;
        foreach (var toolCallId in _calls.Open.Concat(_calls.Wanted))
            yield return StreamFrame.Of(new { type = "tool-output-error", toolCallId, errorText = "The run ended before the call did." });
        var state = runEvent.Text("state");
        var known = runEvent.Known();
        known["run_id"] = runId;
        yield return Data("data-run", "run", known);
        yield return StreamFrame.Of(new { type = "finish-step" });
        var error = state is "failed" or "timed_out";
        if (error)
            yield return StreamFrame.Of(new { type = "error", errorText = runEvent.TextOrNull("error") ?? $"The run ended: {state}." });
        if (state == "cancelled")
            yield return StreamFrame.Of(new { type = "abort", reason = "The run was cancelled." });
        yield return StreamFrame.Of(new { type = "finish", finishReason = error ? "error" : state == "cancelled" ? "other" : "stop" });
        yield return Done;
    }

    // The tools run in the gateway: the client neither knows them nor is to run them.
    private static StreamFrame Input(string toolCallId, RunEvent runEvent) => StreamFrame.Of(new
    {
        type = "tool-input-available",
        toolCallId,
        toolName = runEvent.Text("tool"),
        input = runEvent.Data.GetProperty("arguments"),
        dynamic = true,
        providerExecuted = true,
        providerMetadata = new { agents = new { agent = runEvent.Agent } },
    });

    private static StreamFrame Data(string type, string id, JsonObject data) => StreamFrame.Of(new { type, id, data });

    private static StreamFrame? Ended(string? text) => text is null ? null : StreamFrame.Of(new { type = "text-end", id = text });
}
