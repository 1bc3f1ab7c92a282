using System.Text.Json.Nodes;
using ConformanceUpstream.Calls;

namespace ConformanceUpstream.Offered;

/// <summary>Tools of the older requirement sets that ask the client while they run.</summary>
internal static class ServerRequestTools
{
    public static IEnumerable<Tool> All() =>
    [
        new("test_sampling", "Has the client's model answer a prompt", Tool.Object(new JsonObject { ["prompt"] = Inputs.Text("What to ask the model") }, "prompt"), SampleAsync),
        new("test_elicitation", "Asks the user for a name and an address", Tool.Object(new JsonObject { ["message"] = Inputs.Text("What the user is shown") }, "message"), ElicitAsync),
        new("test_streaming_elicitation", "Asks the user after it reported progress", StreamAndElicitAsync),
        new("test_elicitation_sep1034_defaults", "Asks the user with a form that has defaults", call => FormAsync(call, "defaults", Defaults())),
        new("test_elicitation_sep1330_enums", "Asks the user with a form of every kind of choice", call => FormAsync(call, "choices", Choices())),
    ];

    private static async Task<JsonObject> SampleAsync(ClientCall call)
    {
        var answer = await call.AskAsync(Inputs.Sampling("completion", call.Arguments["prompt"]?.ToString() ?? ""));
        return Content.ToolResult(Content.Text($"LLM response: {Inputs.SampledText(answer[0])}"));
    }

    private static async Task<JsonObject> ElicitAsync(ClientCall call)
    {
        var form = new JsonObject { ["username"] = Inputs.Text("User's response"), ["email"] = Inputs.Text("User's email address") };
        var answer = await call.AskAsync(Inputs.Elicitation("user", call.Arguments["message"]?.ToString() ?? "Who are you?", form, "username", "email"));
        return Content.ToolResult(Content.Text($"User response: {Inputs.Describe(answer[0])}"));
    }

    private static async Task<JsonObject> StreamAndElicitAsync(ClientCall call)
    {
        await call.ReportProgressAsync(0, 100);
        await call.PauseAsync();
        var answer = await call.AskAsync(Inputs.Question("user_name", "What is your name?", "name"));
        return Content.ToolResult(Content.Text($"User response: {Inputs.Describe(answer[0])}"));
    }

    private static async Task<JsonObject> FormAsync(ClientCall call, string key, JsonObject properties)
    {
        var answer = await call.AskAsync(Inputs.Elicitation(key, "Please fill in the form", properties));
        return Content.ToolResult(Content.Text($"Elicitation completed: {Inputs.Describe(answer[0])}"));
    }

    private static JsonObject Defaults() => JsonNode.Parse("""
        {
          "name": { "type": "string", "description": "User name", "default": "John Doe" },
          "age": { "type": "integer", "description": "User age", "default": 30 },
          "score": { "type": "number", "description": "User score", "default": 95.5 },
          "status": { "type": "string", "description": "User status", "enum": ["active", "inactive", "pending"], "default": "active" },
          "verified": { "type": "boolean", "description": "Verification status", "default": true }
        }
        """)!.AsObject();

    private static JsonObject Choices() => JsonNode.Parse("""
        {
          "untitledSingle": { "type": "string", "enum": ["option1", "option2", "option3"] },
          "titledSingle": { "type": "string", "oneOf": [{ "const": "value1", "title": "First Option" }, { "const": "value2", "title": "Second Option" }, { "const": "value3", "title": "Third Option" }] },
          "legacyEnum": { "type": "string", "enum": ["opt1", "opt2", "opt3"], "enumNames": ["Option One", "Option Two", "Option Three"] },
          "untitledMulti": { "type": "array", "items": { "type": "string", "enum": ["option1", "option2", "option3"] } },
          "titledMulti": { "type": "array", "items": { "anyOf": [{ "const": "value1", "title": "First Choice" }, { "const": "value2", "title": "Second Choice" }, { "const": "value3", "title": "Third Choice" }] } }
        }
        """)!.AsObject();
}
