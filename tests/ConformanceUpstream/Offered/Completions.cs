using System.Text.Json.Nodes;

namespace ConformanceUpstream.Offered;

/// <summary>Suggestions for arguments.</summary>
internal static class Completions
{
    private static readonly string[] s_words = ["paris", "park", "party", "tester", "testing"];

    public static JsonObject Complete(RpcMessage message)
    {
        var typed = RpcMessage.TextOf((message.Params["argument"] as JsonObject)?["value"]) ?? throw new RpcException(RpcCode.InvalidParams, "params.argument.value is missing.");
        string[] found = [.. s_words.Where(word => word.StartsWith(typed, StringComparison.OrdinalIgnoreCase))];
        return new JsonObject
        {
            ["completion"] = new JsonObject { ["values"] = new JsonArray([.. found.Select(word => (JsonNode)word)]), ["total"] = found.Length, ["hasMore"] = false },
        };
    }
}
