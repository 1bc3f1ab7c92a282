using System.Text;
using System.Text.Json;
using ModelContextProtocol.Protocol;

namespace Agents.Worker.Tools;

/// <summary>What a tool call gave.</summary>
/// <param name="Text">The whole result as text.</param>
/// <param name="Structured">The structured result beside it, if the tool gave one.</param>
/// <param name="IsError">Whether the tool, or the way to it, failed.</param>
internal sealed record ToolOutcome(string Text, JsonElement? Structured, bool IsError)
{
    public static ToolOutcome Error(string text) => new(text, null, true);

    public static ToolOutcome Of(CallToolResult result)
    {
        var text = new StringBuilder();
        foreach (var block in result.Content)
        {
            if (text.Length > 0) text.Append('\n');
            text.Append(block is TextContentBlock { Text: var value } ? value : $"[{block.Type} left out]");
        }

        if (text.Length == 0 && result.StructuredContent is { } structured) text.Append(structured.GetRawText());
        return new ToolOutcome(text.ToString(), result.StructuredContent, result.IsError is true);
    }
}
