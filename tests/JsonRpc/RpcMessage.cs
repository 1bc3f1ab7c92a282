using System.Text.Json;
using System.Text.Json.Nodes;

namespace JsonRpc;

/// <summary>One JSON-RPC message from the client.</summary>
/// <param name="Id">The id of a request or an answer; null for a notification.</param>
/// <param name="Method">Null when it answers a request of the server.</param>
/// <param name="Params">Empty where the message has none.</param>
/// <param name="Whole">All of it.</param>
internal sealed record RpcMessage(JsonNode? Id, string? Method, JsonObject Params, JsonObject Whole)
{
    public bool IsRequest => Method is not null && Id is not null;

    /// <summary>The id as JSON text: 1 and "1" are different ids.</summary>
    public string IdText => Id?.ToJsonString() ?? "null";

    public JsonObject? Meta => Params["_meta"] as JsonObject;

    /// <exception cref="RpcException">It is no JSON-RPC message.</exception>
    public static RpcMessage Parse(ReadOnlySpan<byte> json)
    {
        JsonNode? node;
        try
        {
            node = JsonNode.Parse(json);
        }
        catch (JsonException error)
        {
            throw new RpcException(RpcCode.ParseError, $"Parse error: {error.Message}");
        }

        if (node is not JsonObject message || TextOf(message["jsonrpc"]) != "2.0")
            throw new RpcException(RpcCode.InvalidRequest, "A message is one JSON object with \"jsonrpc\": \"2.0\"; batches are not taken.");
        var id = message["id"];
        if (id is not null && id.GetValueKind() is not (JsonValueKind.String or JsonValueKind.Number))
            throw new RpcException(RpcCode.InvalidRequest, "An id is a string or a number.");
        return new RpcMessage(id, TextOf(message["method"]), message["params"] as JsonObject ?? [], message);
    }

    public static string? TextOf(JsonNode? node) => node?.GetValueKind() == JsonValueKind.String ? node.GetValue<string>() : null;
}
