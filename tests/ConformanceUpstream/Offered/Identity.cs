using System.Text.Json.Nodes;

namespace ConformanceUpstream.Offered;

/// <summary>Who the server is and what it offers.</summary>
internal static class Identity
{
    public const string Instructions = "Answers what the conformance suite asks of a server.";

    public static JsonObject Server() => new() { ["name"] = "conformance-upstream", ["version"] = "1.0.0" };

    public static JsonObject Capabilities() => new()
    {
        ["tools"] = new JsonObject { ["listChanged"] = true },
        ["prompts"] = new JsonObject { ["listChanged"] = true },
        ["resources"] = new JsonObject { ["subscribe"] = true, ["listChanged"] = true },
        ["completions"] = new JsonObject(),
        ["logging"] = new JsonObject(),
    };
}
