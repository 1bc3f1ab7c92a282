using System.Text.Json;
using System.Text.Json.Nodes;

namespace McpGateway.Upstreams;

/// <summary>Reads JSON that people write. A member that is there twice is an error, which names it by its path and hides no other: what was meant by the first would be lost without a word.</summary>
internal static class UniqueMembers
{
    /// <exception cref="JsonException">It is no JSON.</exception>
    public static JsonNode? Parse(string json, JsonDocumentOptions options, string where, List<string> errors)
    {
        using var document = JsonDocument.Parse(json, options);
        return Read(document.RootElement.Clone(), "", where, errors);
    }

    private static JsonNode? Read(JsonElement element, string path, string where, List<string> errors) => element.ValueKind switch
    {
        JsonValueKind.Object => ReadObject(element, path, where, errors),
        JsonValueKind.Array => new JsonArray([.. element.EnumerateArray().Select((item, i) => Read(item, $"{path}[{i}]", where, errors))]),
        JsonValueKind.Null => null,
        _ => JsonValue.Create(element),
    };

    private static JsonObject ReadObject(JsonElement element, string path, string where, List<string> errors)
    {
        var members = new JsonObject();
        foreach (var member in element.EnumerateObject())
        {
            var at = path.Length == 0 ? member.Name : $"{path}.{member.Name}";
            if (members.ContainsKey(member.Name)) errors.Add($"{where}: {at} is there twice. Remove one of the two.");
            members[member.Name] = Read(member.Value, at, where, errors);
        }

        return members;
    }
}
