using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using McpGateway.Calls.Lists;
using McpGateway.Protocol;
using McpGateway.Upstreams.Links;

namespace McpGateway.Endpoints;

/// <summary>
/// The arguments that a tool's schema asks to be mirrored into headers (<c>x-mcp-header</c>, SEP-2243): a header must say what the
/// body says, so that nothing which routed on it was fooled.
/// </summary>
internal static class ParameterHeaders
{
    /// <summary>Read once per description; most tools ask for none.</summary>
    private static readonly ConditionalWeakTable<ListEntry, ParameterHeader[]> s_known = [];

    /// <summary>What is wrong with a call's headers; null when nothing is.</summary>
    /// <param name="tool">The tool as the caller sees it; null when it is not known.</param>
    /// <param name="parameters">The call's <c>params</c>.</param>
    /// <param name="headers">Its headers <c>Mcp-Param-*</c>; null when there are none.</param>
    public static RpcError? Check(ListEntry? tool, ReadOnlyMemory<byte> parameters, IReadOnlyList<KeyValuePair<string, string>>? headers)
    {
        if (tool is null) return null;
        var asked = s_known.GetValue(tool, static tool => Read(tool));
        if (asked.Length == 0) return null;
        using var json = JsonDocument.Parse(parameters, new JsonDocumentOptions { MaxDepth = 128 });
        var arguments = json.RootElement.TryGetProperty("arguments", out var given) ? given : default;
        foreach (var header in asked)
        {
            if (header.Check(arguments, headers) is { } error) return error;
        }

        return null;
    }

    private static ParameterHeader[] Read(ListEntry tool)
    {
        if (tool.Json.Span.IndexOf("x-mcp-header"u8) < 0) return [];
        using var description = JsonDocument.Parse(tool.Json, new JsonDocumentOptions { MaxDepth = 128 });
        var headers = new List<ParameterHeader>();
        if (description.RootElement.TryGetProperty("inputSchema", out var schema)) Read(schema, [], headers);
        return [.. headers];
    }

    /// <summary>Only a chain of <c>properties</c> leads to one; an annotation elsewhere is none.</summary>
    private static void Read(JsonElement schema, ImmutableArray<string> path, List<ParameterHeader> headers)
    {
        if (schema.ValueKind != JsonValueKind.Object || !schema.TryGetProperty("properties", out var properties) || properties.ValueKind != JsonValueKind.Object) return;
        foreach (var property in properties.EnumerateObject())
        {
            var to = path.Add(property.Name);
            if (property.Value.ValueKind == JsonValueKind.Object && property.Value.TryGetProperty("x-mcp-header", out var header) && header.ValueKind == JsonValueKind.String)
                headers.Add(new ParameterHeader($"{McpHeader.ParameterPrefix}{header.GetString()}", to));
            Read(property.Value, to, headers);
        }
    }

    /// <summary>One mirrored argument.</summary>
    /// <param name="Name">The whole header.</param>
    /// <param name="Path">Names of the properties that lead to the argument.</param>
    private sealed record ParameterHeader(string Name, ImmutableArray<string> Path)
    {
        public RpcError? Check(JsonElement arguments, IReadOnlyList<KeyValuePair<string, string>>? headers)
        {
            var value = ValueAt(arguments);
            var expected = Text(value);
            string? said = null;
            foreach (var header in headers ?? [])
            {
                if (header.Key.Equals(Name, StringComparison.OrdinalIgnoreCase)) said = header.Value;
            }

            if (expected is null) return said is null ? null : Mismatch("is there, its argument is not");
            if (said is null) return Mismatch("is missing");
            return HeaderText.Decode(said) is { } decoded && Says(decoded, expected, value.ValueKind == JsonValueKind.Number) ? null : Mismatch($"is '{said}', the argument is '{expected}'");
        }

        private JsonElement ValueAt(JsonElement arguments)
        {
            foreach (var name in Path)
            {
                if (arguments.ValueKind != JsonValueKind.Object || !arguments.TryGetProperty(name, out arguments)) return default;
            }

            return arguments;
        }

        private static string? Text(JsonElement value) => value.ValueKind switch
        {
            JsonValueKind.String => value.GetString(),
            JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
            _ => null,
        };

        /// <summary>Numbers are compared as such: 42 is 42.0.</summary>
        private static bool Says(string said, string expected, bool isNumber) =>
            said == expected || (isNumber && decimal.TryParse(said, NumberStyles.Float, CultureInfo.InvariantCulture, out var left) && decimal.TryParse(expected, NumberStyles.Float, CultureInfo.InvariantCulture, out var right) && left == right);

        private RpcError Mismatch(string how) => new(RpcErrorCode.HeaderMismatch, $"The header {Name} {how}.");
    }
}
