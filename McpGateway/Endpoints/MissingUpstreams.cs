using System.Text.Json.Nodes;
using McpGateway.Upstreams;

namespace McpGateway.Endpoints;

/// <summary>What an answer of the aggregate says of upstreams that it knows nothing of yet. They come in when they can, and that is announced.</summary>
internal static class MissingUpstreams
{
    /// <summary>Its member of <c>_meta</c>.</summary>
    public const string Member = "mcp-gateway/missing";

    public static JsonArray Describe(IEnumerable<Upstream> missing) => [.. missing.Select(static upstream => (JsonNode)Describe(upstream))];

    private static JsonObject Describe(Upstream upstream)
    {
        var failure = upstream.Breaker.LastFailure;
        var (state, reason) = failure is not null ? ("down", failure.Message)
            : upstream.Server is null ? ("opening", "It is still being opened.")
            : ("incomplete", "It could not be listed yet.");
        return new JsonObject { ["upstream"] = upstream.Name, ["state"] = state, ["reason"] = reason };
    }
}
