using System.Text.Json.Nodes;

namespace JsonRpc;

/// <summary>JSON-RPC 2.0 and MCP error codes.</summary>
internal static class RpcCode
{
    public const int ParseError = -32700;
    public const int InvalidRequest = -32600;
    public const int MethodNotFound = -32601;
    public const int InvalidParams = -32602;
    public const int Refused = -32000;
    public const int SessionNotFound = -32001;
    public const int ResourceNotFound = -32002;
    public const int HeaderMismatch = -32020;
    public const int MissingCapability = -32021;
    public const int UnsupportedVersion = -32022;
}

/// <summary>An error answer on its way out.</summary>
internal sealed class RpcException(int code, string message, JsonObject? data = null) : Exception(message)
{
    public int Code => code;

    /// <summary>The error as the answer to a request.</summary>
    public JsonObject Answer(JsonNode? id) => Rpc.Error(id, code, Message, data);
}

/// <summary>Writes messages.</summary>
internal static class Rpc
{
    public static JsonObject Result(JsonNode? id, JsonObject result) =>
        new() { ["jsonrpc"] = "2.0", ["id"] = id?.DeepClone(), ["result"] = result };

    public static JsonObject Error(JsonNode? id, int code, string message, JsonObject? data = null)
    {
        var error = new JsonObject { ["code"] = code, ["message"] = message };
        if (data is not null) error["data"] = data.DeepClone();
        return new JsonObject { ["jsonrpc"] = "2.0", ["id"] = id?.DeepClone(), ["error"] = error };
    }

    public static JsonObject Request(string id, string method, JsonObject parameters) =>
        new() { ["jsonrpc"] = "2.0", ["id"] = id, ["method"] = method, ["params"] = parameters };

    public static JsonObject Notification(string method, JsonObject? parameters = null)
    {
        var notification = new JsonObject { ["jsonrpc"] = "2.0", ["method"] = method };
        if (parameters is not null) notification["params"] = parameters;
        return notification;
    }
}
