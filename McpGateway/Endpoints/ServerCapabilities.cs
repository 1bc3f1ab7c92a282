using System.Text.Json.Nodes;
using McpGateway.Sessions;

namespace McpGateway.Endpoints;

/// <summary>Capabilities of upstreams as clients of the gateway get them.</summary>
internal static class ServerCapabilities
{
    /// <summary>Lists, whose changes the gateway announces whether or not the upstream does: it reads them again when they are old.</summary>
    private static readonly string[] s_lists = ["tools", "prompts", "resources"];

    /// <summary>The others that are carried between any two revisions.</summary>
    private static readonly string[] s_plain = ["completions", "logging"];

    /// <summary>Those that no two revisions spell alike, and pass as they are where client and upstream speak the same one.</summary>
    private static readonly string[] s_ofOneRevision = ["tasks", "extensions", "experimental"];

    /// <summary>What of an upstream's capabilities passes the gateway to a client of this revision.</summary>
    public static JsonObject Carried(ServerProfile server, string version)
    {
        var carried = new JsonObject();
        foreach (var name in s_lists.Where(server.Has)) carried[name] = Listed(name, Subscribes(server));
        foreach (var name in s_plain.Where(server.Has)) carried[name] = new JsonObject();
        if (server.Version != version || JsonNode.Parse(server.Capabilities) is not JsonObject offered) return carried;
        foreach (var name in s_ofOneRevision.Where(offered.ContainsKey)) carried[name] = offered[name]?.DeepClone();
        return carried;
    }

    /// <summary>What all of them can do together.</summary>
    /// <param name="servers">Those that are known.</param>
    /// <param name="isPartial">True while there are others: they may have anything, and a client that was told there is none would never look.</param>
    public static JsonObject Merge(IReadOnlyCollection<ServerProfile> servers, bool isPartial)
    {
        var merged = new JsonObject();
        foreach (var name in s_lists.Where(name => isPartial || name == "tools" || servers.Any(server => server.Has(name)))) merged[name] = Listed(name, servers.Any(Subscribes));
        foreach (var name in s_plain.Where(name => isPartial || name == "logging" || servers.Any(server => server.Has(name)))) merged[name] = new JsonObject();
        return merged;
    }

    private static JsonObject Listed(string name, bool subscribes)
    {
        var listed = new JsonObject { ["listChanged"] = true };
        if (subscribes && name == "resources") listed["subscribe"] = true;
        return listed;
    }

    private static bool Subscribes(ServerProfile server) =>
        JsonNode.Parse(server.Capabilities)?["resources"] is JsonObject resources && resources["subscribe"] is JsonValue subscribe && subscribe.TryGetValue<bool>(out var does) && does;
}
