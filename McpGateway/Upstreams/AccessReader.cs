using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace McpGateway.Upstreams;

/// <summary>Reads <c>allow</c> and <c>deny</c>: an array of patterns for everything, or an object of arrays <c>tools</c>, <c>prompts</c>, <c>resources</c>.</summary>
internal static class AccessReader
{
    private const int LongestPattern = 256;

    private const string Shape = "must be an array of patterns such as [\"search_*\"], or an object of such arrays under \"tools\", \"prompts\" and \"resources\"";

    private static readonly string[] s_kinds = ["tools", "prompts", "resources"];

    public static AccessRule Read(JsonObject entry, string where, List<string> errors) =>
        new(ReadPatterns(entry["allow"], entry.ContainsKey("allow"), $"{where}: \"allow\"", errors), ReadPatterns(entry["deny"], entry.ContainsKey("deny"), $"{where}: \"deny\"", errors));

    private static AccessPatterns? ReadPatterns(JsonNode? node, bool isThere, string where, List<string> errors)
    {
        if (!isThere) return null;
        if (ReadList(node, where, errors) is { } all) return AccessPatterns.ForAll(all);
        if (node is not JsonObject kinds)
        {
            errors.Add($"{where} is {node?.ToJsonString() ?? "null"}; it {Shape}.");
            return null;
        }

        foreach (var (kind, _) in kinds.Where(static kind => !s_kinds.Contains(kind.Key, StringComparer.OrdinalIgnoreCase))) errors.Add($"{where} has the member \"{kind}\"; it {Shape}.");
        return new AccessPatterns(ReadKind(kinds, "tools", where, errors), ReadKind(kinds, "prompts", where, errors), ReadKind(kinds, "resources", where, errors));
    }

    private static ImmutableArray<string> ReadKind(JsonObject kinds, string kind, string where, List<string> errors)
    {
        if (!kinds.ContainsKey(kind)) return default;
        if (ReadList(kinds[kind], $"{where}.{kind}", errors) is { } list) return list;
        errors.Add($"{where}.{kind} is {kinds[kind]?.ToJsonString() ?? "null"}; it must be an array of patterns.");
        return default;
    }

    /// <summary>Null for what is no list. .NET configuration turns an array into an object with the indexes as names, and an empty one into an empty text.</summary>
    private static ImmutableArray<string>? ReadList(JsonNode? node, string where, List<string> errors) => node switch
    {
        JsonValue value when value.ToString().Length == 0 => [],
        JsonArray items => [.. items.Select((item, i) => ReadPattern(item, $"{where}[{i}]", errors))],
        JsonObject items when items.Count > 0 && items.All(static item => int.TryParse(item.Key, out _)) => [.. items.Select(item => ReadPattern(item.Value, $"{where}[{item.Key}]", errors))],
        _ => null,
    };

    private static string ReadPattern(JsonNode? node, string where, List<string> errors)
    {
        if (node is JsonValue value && value.ToString() is { Length: > 0 and <= LongestPattern } pattern) return pattern;
        errors.Add($"{where} is {node?.ToJsonString() ?? "null"}; a pattern is a text of 1 to {LongestPattern} characters, in which * stands for any and ? for one.");
        return "";
    }
}
