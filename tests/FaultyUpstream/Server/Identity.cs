using System.Text.Json.Nodes;

namespace FaultyUpstream.Server;

/// <summary>How the server names itself and what it declares.</summary>
internal static class Identity
{
    public static JsonObject Server() => new() { ["name"] = "faulty-upstream", ["version"] = "1.0.0" };

    public static JsonObject Capabilities() => new() { ["tools"] = new JsonObject { ["listChanged"] = true } };
}
