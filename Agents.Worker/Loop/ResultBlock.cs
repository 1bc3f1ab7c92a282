using System.Text.Json;
using Agents.Runs;

namespace Agents.Worker.Loop;

/// <summary>
/// The structured end of an answer: a fenced block <c>```result</c> with one JSON object that holds the agent's output field and, if the model
/// likes, its confidence. It is for the program; readers of the text never see it.
/// </summary>
internal static class ResultBlock
{
    public const string Fence = "```result";

    public static string Instruction(AgentOutput output) => $$"""
        End your answer with a block of this form; its content is JSON:
        {{Fence}}
        {"{{output.Field}}": {{(output.Type == OutputType.List ? "[\"…\"]" : "\"…\"")}}, "confidence": 0.0}
        ```
        {{output.Field}}: {{output.Description}} confidence: 0 to 1, how sure you are.
        """;

    /// <summary>The text without the block, and the block's JSON; null when there is none.</summary>
    public static (string Content, string? Json) Split(string answer)
    {
        var start = Find(answer);
        if (start < 0) return (answer.Trim(), null);
        var json = answer[(start + Fence.Length)..];
        var end = json.LastIndexOf("```", StringComparison.Ordinal);
        return (answer[..start].Trim(), end < 0 ? json : json[..end]);
    }

    /// <summary>Writes the block as <see cref="Split"/> reads it.</summary>
    public static string Write(string field, object value) =>
        $"\n{Fence}\n{JsonSerializer.Serialize(new Dictionary<string, object> { [field] = value })}\n```";

    /// <summary>Where the block begins; -1 without one. A fence counts only at the beginning of a line.</summary>
    public static int Find(string text)
    {
        for (var at = text.IndexOf(Fence, StringComparison.Ordinal); at >= 0; at = text.IndexOf(Fence, at + 1, StringComparison.Ordinal))
            if (at == 0 || text[at - 1] == '\n') return at;
        return -1;
    }
}
