using System.Text.Json.Nodes;
using ConformanceUpstream.Calls;

namespace ConformanceUpstream.Offered;

/// <summary>The tools the suite calls in both eras.</summary>
internal static class Tools
{
    private static readonly Dictionary<string, Tool> s_byName = All().ToDictionary(tool => tool.Name);

    public static JsonObject List() => new() { ["tools"] = new JsonArray([.. All().Select(tool => tool.Listed())]) };

    /// <exception cref="RpcException">There is no such tool.</exception>
    public static Tool Find(RpcMessage message) =>
        s_byName.GetValueOrDefault(RpcMessage.TextOf(message.Params["name"]) ?? "") ?? throw new RpcException(RpcCode.InvalidParams, $"Unknown tool: {message.Params["name"]}");

    public static async Task<JsonObject> CallAsync(ClientCall call)
    {
        var tool = Find(call.Message);
        try
        {
            return await tool.Run(call);
        }
        catch (InputRefusedException refused)
        {
            return Content.ToolError(refused.Message);
        }
    }

    private static IEnumerable<Tool> All() => [.. Plain(), .. ServerRequestTools.All(), .. InputRequiredTools.All()];

    private static IEnumerable<Tool> Plain() =>
    [
        new("test_simple_text", "Answers with text", Answer(Content.Text("This is a simple text response for testing."))),
        new("test_image_content", "Answers with an image", Answer(Content.Image())),
        new("test_audio_content", "Answers with sound", Answer(Content.Audio())),
        new("test_embedded_resource", "Answers with a resource", Answer(Content.Resource("test://embedded-resource", "text/plain", "This is an embedded resource content."))),
        new("test_multiple_content_types", "Answers with text, an image and a resource", Answer(
            Content.Text("Multiple content types test:"), Content.Image(), Content.Resource("test://mixed-content-resource", "application/json", """{"test":"data","value":123}"""))),
        new("test_error_handling", "Fails", _ => Task.FromResult(Content.ToolError("This tool intentionally returns an error for testing"))),
        new("test_tool_with_logging", "Logs three times at info", LogAsync),
        new("test_logging_tool", "Logs three times at info", LogAsync),
        new("test_tool_with_progress", "Reports progress three times", ProgressAsync),
        new("test_reconnection", "Ends the stream of its answer before the answer, so that the client resumes it", ReconnectAsync),
        new("test_missing_capability", "Needs a client that can sample", call =>
        {
            call.Require("sampling");
            return Task.FromResult(Content.ToolResult(Content.Text("The client can sample.")));
        }),
        new("test_trigger_tool_change", "Announces that the list of tools changed", Announce(Change.OfList("tools"))),
        new("test_trigger_prompt_change", "Announces that the list of prompts changed", Announce(Change.OfList("prompts"))),
        new("test_trigger_resource_update", "Announces that the watched resource changed", Announce(Change.OfResource(Resources.Watched))),
        new("test_header_parameter", "Says the region, which a header repeats", Tool.Object(new JsonObject { ["region"] = RegionSchema() }, "region"),
            call => Task.FromResult(Content.ToolResult(Content.Text($"Region: {call.Arguments["region"]}")))),
        new("json_schema_2020_12_tool", "Tool with JSON Schema 2020-12 features", JsonNode.Parse(Schema202012)!.AsObject(),
            call => Task.FromResult(Content.ToolResult(Content.Text($"Taken: {call.Arguments.ToJsonString()}")))),
    ];

    /// <summary>Keywords that a server or proxy which rebuilds schemas from its own model would lose (SEP-1613, SEP-2106).</summary>
    private const string Schema202012 = """
        {
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "type": "object",
          "$defs": { "address": { "$anchor": "addressDef", "type": "object", "properties": { "street": { "type": "string" }, "city": { "type": "string" } } } },
          "properties": {
            "name": { "type": "string" },
            "address": { "$ref": "#/$defs/address" },
            "contactMethod": { "type": "string", "enum": ["phone", "email"] },
            "phone": { "type": "string" },
            "email": { "type": "string" }
          },
          "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
          "if": { "properties": { "contactMethod": { "const": "phone" } }, "required": ["contactMethod"] },
          "then": { "required": ["phone"] },
          "else": { "required": ["email"] },
          "additionalProperties": false
        }
        """;

    private static Func<ClientCall, Task<JsonObject>> Answer(params JsonObject[] blocks) =>
        _ => Task.FromResult(Content.ToolResult([.. blocks.Select(block => block.DeepClone().AsObject())]));

    private static Func<ClientCall, Task<JsonObject>> Announce(Change change) => call =>
    {
        call.Announce(change);
        return Task.FromResult(Content.ToolResult(Content.Text($"Announced {change.Method}.")));
    };

    private static JsonObject RegionSchema()
    {
        var schema = Inputs.Text("Where; also in the header Mcp-Param-Region");
        schema["x-mcp-header"] = "Region";
        return schema;
    }

    private static async Task<JsonObject> LogAsync(ClientCall call)
    {
        await call.LogAsync("info", "Tool execution started");
        await call.PauseAsync();
        await call.LogAsync("info", "Tool processing data");
        await call.PauseAsync();
        await call.LogAsync("info", "Tool execution completed");
        return Content.ToolResult(Content.Text("Tool with logging executed successfully"));
    }

    private static async Task<JsonObject> ProgressAsync(ClientCall call)
    {
        await call.ReportProgressAsync(0, 100);
        await call.PauseAsync();
        await call.ReportProgressAsync(50, 100);
        await call.PauseAsync();
        await call.ReportProgressAsync(100, 100);
        return Content.ToolResult(Content.Text("Tool with progress executed successfully"));
    }

    private static async Task<JsonObject> ReconnectAsync(ClientCall call)
    {
        await call.BreakOffAsync();
        await call.PauseAsync();
        return Content.ToolResult(Content.Text("Reconnection test completed successfully"));
    }
}
