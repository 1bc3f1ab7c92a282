using System.Text.Json.Nodes;
using ConformanceUpstream.Calls;

namespace ConformanceUpstream.Offered;

/// <summary>
/// Tools of SEP-2322. In the older era they ask the same by requests of the server, which a gateway has to turn into input-required
/// results for a newer client.
/// </summary>
internal static class InputRequiredTools
{
    public static IEnumerable<Tool> All() =>
    [
        new("test_input_required_result_elicitation", "Asks for a name and greets", ElicitationAsync),
        new("test_input_required_result_sampling", "Has the client's model answer", SamplingAsync),
        new("test_input_required_result_list_roots", "Asks for the client's roots", RootsAsync),
        new("test_input_required_result_request_state", "Asks, and checks the state that came back", StateAsync),
        new("test_input_required_result_tampered_state", "Asks, and refuses a state that was changed", StateAsync),
        new("test_input_required_result_multiple_inputs", "Asks three things at once", MultipleAsync),
        new("test_input_required_result_multi_round", "Asks twice, one after the other", MultiRoundAsync),
        new("test_input_required_result_capabilities", "Asks only what the client can answer", CapabilitiesAsync),
    ];

    private static async Task<JsonObject> ElicitationAsync(ClientCall call)
    {
        var answer = await call.AskAsync(Inputs.Question("user_name", "What is your name?", "name"));
        return Content.ToolResult(Content.Text($"Hello, {answer[0]["content"]?["name"]?.ToString() ?? "stranger"}!"));
    }

    private static async Task<JsonObject> SamplingAsync(ClientCall call)
    {
        var answer = await call.AskAsync(Inputs.Sampling("capital_question", "What is the capital of France?"));
        return Content.ToolResult(Content.Text(Inputs.SampledText(answer[0])));
    }

    private static async Task<JsonObject> RootsAsync(ClientCall call)
    {
        var answer = await call.AskAsync(Inputs.Roots("client_roots"));
        return Content.ToolResult(Content.Text($"Roots: {answer[0]["roots"]?.ToJsonString() ?? "none"}"));
    }

    private static async Task<JsonObject> StateAsync(ClientCall call)
    {
        var answer = await call.AskAsync(Inputs.Confirmation("confirm", "Please confirm"));
        return Content.ToolResult(Content.Text($"state-ok: {Inputs.Describe(answer[0])}"));
    }

    private static async Task<JsonObject> MultipleAsync(ClientCall call)
    {
        var answers = await call.AskAsync(
            Inputs.Question("user_name", "What is your name?", "name"), Inputs.Sampling("greeting", "Generate a greeting", maxTokens: 50), Inputs.Roots("client_roots"));
        return Content.ToolResult(Content.Text($"{Inputs.Describe(answers[0])}; {Inputs.SampledText(answers[1])}; {answers[2]["roots"]?.ToJsonString() ?? "none"}"));
    }

    private static async Task<JsonObject> MultiRoundAsync(ClientCall call)
    {
        var name = await call.AskAsync(Inputs.Question("step1", "Step 1: What is your name?", "name"));
        var colour = await call.AskAsync(Inputs.Question("step2", "Step 2: What is your favorite color?", "color"));
        return Content.ToolResult(Content.Text($"{Inputs.Describe(name[0])}; {Inputs.Describe(colour[0])}"));
    }

    private static async Task<JsonObject> CapabilitiesAsync(ClientCall call)
    {
        InputRequest[] wanted = [Inputs.Question("user_name", "What is your name?", "name"), Inputs.Sampling("greeting", "Generate a greeting"), Inputs.Roots("client_roots")];
        InputRequest[] possible = [.. wanted.Where(request => call.Declares(request.Capability))];
        if (possible.Length == 0) return Content.ToolResult(Content.Text("The client can answer nothing."));
        var answers = await call.AskAsync(possible);
        return Content.ToolResult([.. answers.Select(answer => Content.Text(answer.ToJsonString()))]);
    }
}
