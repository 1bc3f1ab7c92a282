using System.Text.Json.Nodes;
using ConformanceUpstream.Calls;

namespace ConformanceUpstream.Offered;

/// <summary>A tool: how it is listed, and what it does.</summary>
internal sealed record Tool(string Name, string Description, JsonObject InputSchema, Func<ClientCall, Task<JsonObject>> Run)
{
    public Tool(string name, string description, Func<ClientCall, Task<JsonObject>> run)
        : this(name, description, Object([]), run)
    {
    }

    public JsonObject Listed() => new() { ["name"] = Name, ["description"] = Description, ["inputSchema"] = InputSchema.DeepClone() };

    public static JsonObject Object(JsonObject properties, params string[] required) => new()
    {
        ["type"] = "object",
        ["properties"] = properties,
        ["required"] = new JsonArray([.. required.Select(name => (JsonNode)name)]),
    };
}
