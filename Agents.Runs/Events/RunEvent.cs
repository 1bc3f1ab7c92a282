using System.Text.Json;

namespace Agents.Runs;

/// <summary>Something that happened in a run.</summary>
/// <param name="Sequence">The run's own count: 1, 2, 3 … without a gap; the event's id on the wire.</param>
/// <param name="Type">One of <see cref="RunEventTypes"/>.</param>
/// <param name="At">When it was stored.</param>
/// <param name="Agent">The agent it concerns; null when it concerns the run.</param>
/// <param name="Data">A JSON object; its members depend on <paramref name="Type"/>.</param>
public sealed record RunEvent(long Sequence, string Type, DateTimeOffset At, string? Agent, JsonElement Data);

/// <summary>An event that has no place in the sequence yet.</summary>
/// <param name="Type">One of <see cref="RunEventTypes"/>.</param>
/// <param name="Agent">The agent it concerns; null when it concerns the run.</param>
/// <param name="Data">A JSON object.</param>
public sealed record RunEventDraft(string Type, string? Agent, JsonElement Data)
{
    /// <summary>An event whose <see cref="Data"/> is <paramref name="data"/> written as <see cref="RunsJson"/> does.</summary>
    public static RunEventDraft Of<T>(string type, string? agent, T data) =>
        new(type, agent, JsonSerializer.SerializeToElement(data, RunsJson.Options));
}
