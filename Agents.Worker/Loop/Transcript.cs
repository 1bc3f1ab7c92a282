using Microsoft.Extensions.AI;

namespace Agents.Worker.Loop;

/// <summary>Tells an agent's progress as the messages a model expects.</summary>
internal static class Transcript
{
    public static List<ChatMessage> Of(IReadOnlyList<ChatMessage> opening, AgentProgress progress)
    {
        var messages = new List<ChatMessage>(opening);
        foreach (var turn in progress.Turns)
        {
            messages.Add(new ChatMessage(ChatRole.Assistant, [.. Said(turn)]));
            if (turn.Calls.Count > 0)
                messages.Add(new ChatMessage(ChatRole.Tool, [.. turn.Calls.Select(Result)]));
            if (turn.Notice is { } notice) messages.Add(new ChatMessage(ChatRole.User, notice));
        }

        return messages;
    }

    private static IEnumerable<AIContent> Said(AgentProgress.Turn turn)
    {
        // Text of blanks alone is refused by Anthropic's API, and says nothing to others.
        if (!string.IsNullOrWhiteSpace(turn.Text)) yield return new TextContent(turn.Text);
        foreach (var call in turn.Calls)
            yield return new FunctionCallContent(call.Id, call.Tool, Arguments(call));
    }

    private static Dictionary<string, object?> Arguments(ToolRequest call) =>
        call.Arguments.EnumerateObject().ToDictionary(p => p.Name, object? (p) => p.Value);

    // The request rides along: a client that is no language model reads the structured result instead of the text.
    private static FunctionResultContent Result(ToolRequest call) =>
        new(call.Id, call.Result ?? "") { RawRepresentation = call };
}
