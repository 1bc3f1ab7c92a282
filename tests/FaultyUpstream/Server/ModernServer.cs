using System.Text.Json.Nodes;
using FaultyUpstream.Protocol;
using FaultyUpstream.Sessions;

namespace FaultyUpstream.Server;

/// <summary>The well-behaved server of revision 2026-07-28: every request carries its envelope, none has a session.</summary>
internal sealed class ModernServer(FaultyServer server)
{
    private const string SubscriptionId = "io.modelcontextprotocol/subscriptionId";
    private const string ServerInfo = "io.modelcontextprotocol/serverInfo";

    /// <summary>Answers a legacy request on a server that speaks the modern revision only.</summary>
    public static Reply RefuseLegacy(RpcMessage message)
    {
        var error = message.Method == Methods.Initialize
            ? Unsupported(RpcMessage.TextOf(message.Params["protocolVersion"]), UpstreamEra.Modern)
            : new RpcException(RpcCode.InvalidParams, "params._meta must hold \"io.modelcontextprotocol/protocolVersion\".");
        return new Reply.Answer(error.Answer(message.Id), 400);
    }

    public async Task<Reply> ReplyAsync(RpcMessage message, ServerSession? pipe, Exchange exchange, Func<JsonObject, Task> notify)
    {
        if (!message.IsRequest) return TakeNotification(message, pipe);
        if (message.EnvelopeVersion != Revision.Modern) return new Reply.Answer(Unsupported(message.EnvelopeVersion, server.Era).Answer(message.Id), 400);
        if (message.Method is Methods.Initialize or Methods.Ping || !MessageServer.Knows(message.Method))
            return new Reply.Answer(Rpc.Error(message.Id, RpcCode.MethodNotFound, $"Method not found: {message.Method}"), 404);
        if (message.Method == Methods.Discover) return new Reply.Answer(Rpc.Result(message.Id, Discovery()));
        // On HTTP each request stands alone; on stdio the process is what cancellations refer to.
        var reply = await MessageServer.RunAsync(server, message, pipe ?? new ServerSession(UpstreamTransport.StreamableHttp), [exchange.Abandoned], ExecuteAsync);
        if (pipe is null && reply is Reply.Cancelled && exchange.Abandoned.IsCancellationRequested) server.Counters.Cancelled(null, message.Id, null, running: true);
        return reply;

        async Task<JsonObject> ExecuteAsync(CancellationToken cancellationToken)
        {
            if (message.Method == Methods.Listen) return await ListenAsync(message, notify, cancellationToken);
            var result = await MessageServer.ExecuteAsync(server, message, server.Stateless, notify, cancellationToken);
            return message.Method == Methods.ToolsList ? Cacheable(result) : Complete(result);
        }
    }

    private Reply.Taken TakeNotification(RpcMessage message, ServerSession? pipe)
    {
        if (message.Method == Methods.Cancelled && message.Params["requestId"] is { } id)
            server.Counters.Cancelled(pipe?.Id, id, RpcMessage.TextOf(message.Params["reason"]), pipe?.CancelCall(id.ToJsonString()) ?? false);
        return new Reply.Taken();
    }

    /// <summary>Holds the stream open and passes on what was asked for, until the client leaves.</summary>
    private async Task<JsonObject> ListenAsync(RpcMessage message, Func<JsonObject, Task> notify, CancellationToken cancellationToken)
    {
        var wantsTools = (message.Params["notifications"] as JsonObject)?["toolsListChanged"]?.GetValue<bool>() == true;
        var key = Guid.NewGuid();
        await notify(OfSubscription("notifications/subscriptions/acknowledged",
            new JsonObject { ["notifications"] = wantsTools ? new JsonObject { ["toolsListChanged"] = true } : [] }));
        if (wantsTools) server.Listeners[key] = notification => notify(OfSubscription(notification["method"]!.GetValue<string>(), []));
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, server.Time, cancellationToken);
            return Complete([]);
        }
        finally
        {
            server.Listeners.TryRemove(key, out _);
        }

        JsonObject OfSubscription(string method, JsonObject parameters)
        {
            parameters["_meta"] = new JsonObject { [SubscriptionId] = message.Id!.DeepClone() };
            return Rpc.Notification(method, parameters);
        }
    }

    private JsonObject Discovery() => Cacheable(new JsonObject
    {
        ["supportedVersions"] = new JsonArray([.. Revision.Of(server.Era).Select(version => (JsonNode)version)]),
        ["capabilities"] = Identity.Capabilities(),
        ["serverInfo"] = Identity.Server(),
    });

    private static JsonObject Cacheable(JsonObject result)
    {
        result["ttlMs"] = 0;
        result["cacheScope"] = "private";
        return Complete(result);
    }

    private static JsonObject Complete(JsonObject result)
    {
        result["resultType"] = "complete";
        result["_meta"] = new JsonObject { [ServerInfo] = Identity.Server() };
        return result;
    }

    private static RpcException Unsupported(string? asked, UpstreamEra era) => new(
        RpcCode.UnsupportedVersion,
        $"Unsupported protocol version: {asked}",
        new JsonObject { ["supported"] = new JsonArray([.. Revision.Of(era).Select(version => (JsonNode)version)]), ["requested"] = asked });
}
