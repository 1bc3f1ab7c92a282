using System.Text.Json;

namespace Agents.Runs;

/// <summary>Values as the stores keep them: written as on the wire (<see cref="RunsJson"/>).</summary>
internal static class StoredJson
{
    public static string Write<T>(T value) => JsonSerializer.Serialize(value, RunsJson.Options);

    public static T Read<T>(string json) => JsonSerializer.Deserialize<T>(json, RunsJson.Options)!;

    /// <summary>The value of an enum's <see cref="RunsJson.Word"/>.</summary>
    public static T Enum<T>(string word) where T : struct, Enum => Read<T>($"\"{word}\"");
}
