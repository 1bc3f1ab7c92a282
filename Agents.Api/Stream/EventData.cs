using System.Text.Json;
using System.Text.Json.Nodes;
using Agents.Runs;

namespace Agents.Api.Stream;

/// <summary>Reads the members of an event's data.</summary>
internal static class EventData
{
    /// <summary>A member that is always there.</summary>
    public static string Text(this RunEvent runEvent, string member) => runEvent.Data.GetProperty(member).GetString()!;

    /// <summary>A member that may be missing or null.</summary>
    public static string? TextOrNull(this RunEvent runEvent, string member) =>
        runEvent.Data.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>The data without the members that are null, however deep, and without those named.</summary>
    public static JsonObject Known(this RunEvent runEvent, params ReadOnlySpan<string> without)
    {
        var known = (JsonObject)WithoutNulls(runEvent.Data)!;
        foreach (var member in without)
            known.Remove(member);
        return known;
    }

    private static JsonNode? WithoutNulls(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => new JsonObject(value.EnumerateObject()
            .Where(member => member.Value.ValueKind != JsonValueKind.Null)
            .Select(member => KeyValuePair.Create(member.Name, WithoutNulls(member.Value)))),
        JsonValueKind.Array => new JsonArray([.. value.EnumerateArray().Select(WithoutNulls)]),
        JsonValueKind.Null => null,
        _ => JsonValue.Create(value),
    };
}
