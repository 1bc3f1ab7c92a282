using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using ConformanceUpstream.Protocol;

namespace ConformanceUpstream.Modern;

/// <summary>Open <c>subscriptions/listen</c> requests, and what each asked for.</summary>
internal sealed class Listeners
{
    private static readonly Dictionary<string, string> s_flags = new()
    {
        ["notifications/tools/list_changed"] = "toolsListChanged",
        ["notifications/prompts/list_changed"] = "promptsListChanged",
        ["notifications/resources/list_changed"] = "resourcesListChanged",
    };

    private readonly ConcurrentDictionary<Channel<string>, JsonObject> _open = new();

    /// <summary>Tells those who asked for it that a list changed.</summary>
    public void Announce(string method)
    {
        foreach (var (channel, granted) in _open)
        {
            if (granted[s_flags[method]] is not null) channel.Writer.TryWrite(method);
        }
    }

    /// <summary>Passes on what the request asks for until the client leaves.</summary>
    public async Task<JsonObject> ListenAsync(RpcMessage message, Func<JsonObject, Task> notify, CancellationToken cancellationToken)
    {
        var granted = Grant(message.Params["notifications"] as JsonObject ?? throw new RpcException(RpcCode.InvalidParams, "params.notifications is missing."));
        var channel = Channel.CreateUnbounded<string>();
        await notify(Of(message, "notifications/subscriptions/acknowledged", new JsonObject { ["notifications"] = granted.DeepClone() }));
        _open[channel] = granted;
        try
        {
            await foreach (var method in channel.Reader.ReadAllAsync(cancellationToken)) await notify(Of(message, method, []));
        }
        finally
        {
            _open.TryRemove(channel, out _);
        }

        return new JsonObject { ["_meta"] = new JsonObject { [Envelope.SubscriptionId] = message.Id!.DeepClone() } };
    }

    /// <summary>All that is asked for and known here.</summary>
    private static JsonObject Grant(JsonObject asked)
    {
        var granted = new JsonObject(s_flags.Values.Where(flag => asked[flag]?.GetValue<bool>() == true).Select(flag => KeyValuePair.Create(flag, (JsonNode?)true)));
        if (asked["resourceSubscriptions"] is JsonArray uris) granted["resourceSubscriptions"] = uris.DeepClone();
        return granted;
    }

    private static JsonObject Of(RpcMessage message, string method, JsonObject parameters)
    {
        parameters["_meta"] = new JsonObject { [Envelope.SubscriptionId] = message.Id!.DeepClone() };
        return Rpc.Notification(method, parameters);
    }
}
