using System.Text.Json.Nodes;
using Conformance.Suite;

namespace Conformance.Setting;

/// <summary>One server the gateway has in front of it.</summary>
/// <param name="Name">Its entry in <c>mcpServers</c>, and the end of its path at the gateway.</param>
/// <param name="Revision">What it speaks.</param>
/// <param name="Transport">How the gateway reaches it.</param>
internal sealed record UpstreamUnderTest(string Name, string Revision, string Transport)
{
    public const string Http = "Streamable HTTP";
    public const string Sse = "HTTP+SSE";
    public const string Stdio = "stdio";

    private const string Project = "tests/ConformanceUpstream";

    public static IReadOnlyList<UpstreamUnderTest> All { get; } =
    [
        new("old-http", RequirementSet.Legacy, Http),
        new("old-sse", RequirementSet.Legacy, Sse),
        new("old-stdio", RequirementSet.Legacy, Stdio),
        new("new-http", RequirementSet.Modern, Http),
        new("new-stdio", RequirementSet.Modern, Stdio),
    ];

    /// <summary>Starts it; null where the gateway does.</summary>
    public async Task<ServiceProcess?> StartAsync() => Transport == Stdio ? null : await ServiceProcess.StartAsync(Project, ["--era", Revision]);

    public KeyValuePair<string, JsonNode?> Entry(ServiceProcess? server)
    {
        var entry = Reached(server);
        // Scenarios ask for roots, which an operator has to allow.
        entry["roots"] = true;
        return new(Name, entry);
    }

    private JsonObject Reached(ServiceProcess? server) => Transport switch
    {
        // Two warm: a scenario that leaves a question unanswered keeps one, and the next gives its call half a second, in which no process starts on a busy machine.
        Stdio => new JsonObject { ["command"] = "dotnet", ["args"] = new JsonArray(RepositoryRoot.AssemblyOf(Project), "--stdio", "--era", Revision), ["pool"] = new JsonObject { ["minIdle"] = 2 } },
        Sse => new JsonObject { ["url"] = new Uri(server!.BaseAddress, "/sse").ToString(), ["type"] = "sse" },
        _ => new JsonObject { ["url"] = new Uri(server!.BaseAddress, "/mcp").ToString(), ["type"] = "http" },
    };
}
