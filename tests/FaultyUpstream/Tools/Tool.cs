using System.Text.Json.Nodes;

namespace FaultyUpstream.Tools;

/// <summary>A tool.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Description">What it does.</param>
/// <param name="Properties">Name and JSON type of its arguments; required ones end with an exclamation mark.</param>
/// <param name="Run">Executes a call and gives its text.</param>
/// <param name="Annotation">A hint that is true, such as <c>readOnlyHint</c>.</param>
internal sealed record Tool(
    string Name, string Description, (string Name, string Type)[] Properties, Func<ToolCall, CancellationToken, Task<string>> Run, string? Annotation = null)
{
    public JsonObject Describe()
    {
        var required = Properties.Where(property => property.Type.EndsWith('!')).Select(property => (JsonNode)property.Name).ToArray();
        var schema = new JsonObject
        {
            ["type"] = "object",
            ["properties"] = new JsonObject(Properties.Select(property =>
                KeyValuePair.Create<string, JsonNode?>(property.Name, new JsonObject { ["type"] = property.Type.TrimEnd('!') }))),
        };
        if (required.Length > 0) schema["required"] = new JsonArray(required);
        var tool = new JsonObject { ["name"] = Name, ["description"] = Description, ["inputSchema"] = schema };
        if (Annotation is not null) tool["annotations"] = new JsonObject { [Annotation] = true };
        return tool;
    }

    public async Task<JsonObject> CallAsync(ToolCall call, CancellationToken cancellationToken)
    {
        call.Count();
        try
        {
            return Result(await Run(call, cancellationToken), isError: false);
        }
        catch (ToolArgumentException error)
        {
            return Result(error.Message, isError: true);
        }
    }

    private static JsonObject Result(string text, bool isError) => new()
    {
        ["content"] = new JsonArray(new JsonObject { ["type"] = "text", ["text"] = text }),
        ["isError"] = isError,
    };
}
