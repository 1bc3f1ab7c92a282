using System.Text.Json.Nodes;
using ConformanceUpstream.Offered;
using ConformanceUpstream.Protocol;

namespace ConformanceUpstream.Modern;

/// <summary>A server of 2026-07-28: every request stands alone.</summary>
internal sealed class ModernServer
{
    private static readonly string[] s_cacheable = ["server/discover", "tools/list", "prompts/list", "resources/list", "resources/templates/list", "resources/read"];

    private readonly RequestState _state = new();
    private readonly Listeners _listeners = new();

    /// <summary>Answers a request.</summary>
    /// <param name="message">The request.</param>
    /// <param name="notify">Sends a notification that belongs to it.</param>
    /// <param name="cancellationToken">The client takes it back.</param>
    /// <exception cref="RpcException">The request is refused.</exception>
    public async Task<JsonObject> AnswerAsync(RpcMessage message, Func<JsonObject, Task> notify, CancellationToken cancellationToken)
    {
        Envelope.Check(message);
        try
        {
            return Rpc.Result(message.Id, Complete(message.Method!, await ResultAsync(message, notify, cancellationToken)));
        }
        catch (InputRequiredException required)
        {
            return Rpc.Result(message.Id, InputRequired(required));
        }
    }

    private async Task<JsonObject> ResultAsync(RpcMessage message, Func<JsonObject, Task> notify, CancellationToken cancellationToken)
    {
        return message.Method switch
        {
            "server/discover" => Discovery(),
            "tools/list" => Tools.List(),
            "tools/call" => await Tools.CallAsync(Call()),
            "prompts/list" => Prompts.List(),
            "prompts/get" => await Prompts.GetAsync(Call()),
            "resources/list" => Resources.List(),
            "resources/templates/list" => Resources.ListTemplates(),
            "resources/read" => Resources.Read(message, RpcCode.InvalidParams),
            "completion/complete" => Completions.Complete(message),
            "subscriptions/listen" => await _listeners.ListenAsync(message, notify, cancellationToken),
            _ => throw new RpcException(RpcCode.MethodNotFound, $"Method not found: {message.Method}"),
        };

        ModernCall Call() => new(_state, message, notify) { Message = message, Cancelled = cancellationToken, Announce = _listeners.Announce };
    }

    private static JsonObject Discovery() => new()
    {
        ["supportedVersions"] = new JsonArray(Revision.Modern),
        ["capabilities"] = Identity.Capabilities(),
        ["instructions"] = Identity.Instructions,
    };

    private static JsonObject Complete(string method, JsonObject result)
    {
        result["resultType"] = "complete";
        if (s_cacheable.Contains(method))
        {
            result["ttlMs"] = 0;
            result["cacheScope"] = "public";
        }

        return Signed(result);
    }

    private JsonObject InputRequired(InputRequiredException required) => Signed(new JsonObject
    {
        ["resultType"] = "input_required",
        ["inputRequests"] = new JsonObject(required.Missing.Select(request =>
            KeyValuePair.Create<string, JsonNode?>(request.Key, new JsonObject { ["method"] = request.Method, ["params"] = request.Params.DeepClone() }))),
        ["requestState"] = _state.Write(required.Answers),
    });

    private static JsonObject Signed(JsonObject result)
    {
        if (result["_meta"] is not JsonObject meta) result["_meta"] = meta = [];
        meta[Envelope.ServerInfo] = Identity.Server();
        return result;
    }
}
