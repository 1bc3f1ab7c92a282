using System.Text.Json;

namespace Agents.Runs;

/// <summary>Values as the stores keep them: written as on the wire (<see cref="RunsJson"/>).</summary>
internal static class StoredJson
{
    private const int PreviewChars = 500;

    public static string Write<T>(T value) => JsonSerializer.Serialize(value, RunsJson.Options);

    public static T Read<T>(string json) => JsonSerializer.Deserialize<T>(json, RunsJson.Options)!;

    /// <summary>The value of an enum's <see cref="RunsJson.Word"/>.</summary>
    public static T Enum<T>(string word) where T : struct, Enum => Read<T>($"\"{word}\"");

    /// <summary>What tells of a tool call that ended.</summary>
    public static RunEventDraft Announce(ToolCallEnd call, string agent, string tool) => RunEventDraft.Of(RunEventTypes.ToolResult, agent, new
    {
        call.Number,
        Tool = tool,
        call.IsError,
        DurationMs = Math.Round(call.Duration.TotalMilliseconds, 3),
        ResultChars = call.Result.Length,
        Preview = call.Result.Length <= PreviewChars ? call.Result : call.Result[..PreviewChars] + "…",
    });
}
