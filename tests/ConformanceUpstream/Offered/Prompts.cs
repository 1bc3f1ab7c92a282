using System.Text.Json.Nodes;
using ConformanceUpstream.Calls;

namespace ConformanceUpstream.Offered;

/// <summary>The prompts the suite gets in both eras.</summary>
internal static class Prompts
{
    private sealed record Prompt(string Name, string Description, string[] Arguments, Func<ClientCall, Task<JsonObject[]>> Get)
    {
        public JsonObject Listed() => new()
        {
            ["name"] = Name,
            ["description"] = Description,
            ["arguments"] = new JsonArray([.. Arguments.Select(argument => new JsonObject { ["name"] = argument, ["description"] = $"The {argument} of the prompt", ["required"] = true })]),
        };
    }

    private static readonly Prompt[] s_all =
    [
        new("test_simple_prompt", "A prompt without arguments", [], Of(_ => [Content.Text("This is a simple prompt for testing.")])),
        new("test_prompt_with_arguments", "A prompt with two arguments", ["arg1", "arg2"],
            Of(call => [Content.Text($"Prompt with arguments: arg1='{call.Arguments["arg1"]}', arg2='{call.Arguments["arg2"]}'")])),
        new("test_prompt_with_embedded_resource", "A prompt that holds a resource", ["resourceUri"], Of(call =>
        [
            Content.Resource(call.Arguments["resourceUri"]?.ToString() ?? "", "text/plain", "Embedded resource content for testing."),
            Content.Text("Please process the embedded resource above."),
        ])),
        new("test_prompt_with_image", "A prompt that holds an image", [], Of(_ => [Content.Image(), Content.Text("Please analyze the image above.")])),
        new("test_input_required_result_prompt", "A prompt that asks the user first", [], AskAsync),
    ];

    public static JsonObject List() => new() { ["prompts"] = new JsonArray([.. s_all.Select(prompt => prompt.Listed())]) };

    /// <exception cref="RpcException">There is no such prompt, or an argument is missing.</exception>
    public static async Task<JsonObject> GetAsync(ClientCall call)
    {
        var name = RpcMessage.TextOf(call.Message.Params["name"]);
        var prompt = Array.Find(s_all, known => known.Name == name) ?? throw new RpcException(RpcCode.InvalidParams, $"Unknown prompt: {name}");
        if (prompt.Arguments.FirstOrDefault(argument => call.Arguments[argument] is null) is { } missing)
            throw new RpcException(RpcCode.InvalidParams, $"{prompt.Name} needs the argument '{missing}'.");
        try
        {
            return new JsonObject { ["description"] = prompt.Description, ["messages"] = new JsonArray([.. await prompt.Get(call)]) };
        }
        catch (InputRefusedException refused)
        {
            throw new RpcException(RpcCode.InvalidParams, refused.Message);
        }
    }

    private static Func<ClientCall, Task<JsonObject[]>> Of(Func<ClientCall, JsonObject[]> blocks) =>
        call => Task.FromResult<JsonObject[]>([.. blocks(call).Select(Content.UserMessage)]);

    private static async Task<JsonObject[]> AskAsync(ClientCall call)
    {
        var answer = await call.AskAsync(Inputs.Question("user_context", "What context should the prompt use?", "context"));
        return [Content.UserMessage(Content.Text($"Use this context: {Inputs.Describe(answer[0])}"))];
    }
}
