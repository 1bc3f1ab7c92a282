using System.Text.Json.Nodes;
using ConformanceUpstream.Calls;

namespace ConformanceUpstream.Offered;

/// <summary>What tools and prompts ask of a client.</summary>
internal static class Inputs
{
    public static InputRequest Elicitation(string key, string message, JsonObject properties, params string[] required) =>
        new(key, "elicitation/create", new JsonObject
        {
            ["message"] = message,
            ["requestedSchema"] = new JsonObject
            {
                ["type"] = "object",
                ["properties"] = properties,
                ["required"] = new JsonArray([.. required.Select(name => (JsonNode)name)]),
            },
        });

    /// <summary>A form of one line of text.</summary>
    public static InputRequest Question(string key, string message, string field) => Elicitation(key, message, new JsonObject { [field] = Text() }, field);

    /// <summary>A form of one tick box.</summary>
    public static InputRequest Confirmation(string key, string message) =>
        Elicitation(key, message, new JsonObject { ["ok"] = new JsonObject { ["type"] = "boolean" } }, "ok");

    public static InputRequest Sampling(string key, string prompt, int maxTokens = 100) =>
        new(key, "sampling/createMessage", new JsonObject
        {
            ["messages"] = new JsonArray(Content.UserMessage(Content.Text(prompt))),
            ["maxTokens"] = maxTokens,
        });

    public static InputRequest Roots(string key) => new(key, "roots/list", []);

    public static JsonObject Text(string? description = null, string? value = null)
    {
        var schema = new JsonObject { ["type"] = "string" };
        if (description is not null) schema["description"] = description;
        if (value is not null) schema["default"] = value;
        return schema;
    }

    /// <summary>The text a sampled message holds.</summary>
    public static string SampledText(JsonObject answer) => answer["content"] switch
    {
        JsonObject block => block["text"]?.GetValue<string>() ?? "",
        JsonArray blocks => string.Concat(blocks.Select(block => block?["text"]?.GetValue<string>())),
        _ => "",
    };

    /// <summary>How a form was answered, for a person to read.</summary>
    public static string Describe(JsonObject answer) => $"action={answer["action"]}, content={answer["content"]?.ToJsonString() ?? "{}"}";
}
