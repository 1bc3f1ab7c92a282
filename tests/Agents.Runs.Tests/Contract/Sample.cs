using System.Text.Json;

namespace Agents.Runs.Tests.Contract;

internal static class Sample
{
    public static AgentRun Run(params string[] agents) => new()
    {
        Id = AgentRun.NewId(TimeProvider.System),
        Repository = "self",
        Query = "What should be simplified first?",
        Agents = [.. (agents.Length == 0 ? ["simplifier", "tester"] : agents).Select(name => new AgentExecution { Name = name })],
        Context = Json("""{"ticket":"A-1","nested":{"big":12345678901234567890}}"""),
        Input = new RunInput { TargetFiles = ["src/a.cs"], AnalysisDepth = "deep" },
        Budget = new RunBudget { MaxToolCalls = 7 },
        Tools = new RunTools { Allow = ["search_code"], Deny = ["qa_codebase"] },
        ConversationId = "c1",
        Metadata = new Dictionary<string, string> { ["team"] = "blue" },
        TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        CreatedAt = TimeProvider.System.GetUtcNow(),
    };

    public static AgentResult Result(string agent) => new()
    {
        AgentType = agent,
        Content = "Merge the two parsers.",
        Sources = ["src/a.cs:12"],
        SuggestionsTable = "| where | what |",
        Confidence = null,
        Metadata = new Dictionary<string, JsonElement> { ["mode"] = Json("\"offline\"") },
    };

    public static RunEventDraft Delta(string text) => RunEventDraft.Of(RunEventTypes.TextDelta, "tester", new { Text = text });

    public static ToolCallStart Call(string tool = "search_code") => new("tester", tool, Json("""{ "query": "TODO" }"""));

    public static JsonElement Json(string json) => JsonSerializer.Deserialize<JsonElement>(json);
}
