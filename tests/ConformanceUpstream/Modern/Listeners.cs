using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using ConformanceUpstream.Calls;

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

    private readonly ConcurrentDictionary<Channel<Change>, JsonObject> _open = new();

    /// <summary>Tells those who asked for it.</summary>
    public void Announce(Change change)
    {
        foreach (var (channel, granted) in _open)
        {
            var wanted = change.Uri is null
                ? granted[s_flags[change.Method]] is not null
                : granted["resourceSubscriptions"] is JsonArray uris && uris.Any(uri => RpcMessage.TextOf(uri) == change.Uri);
            if (wanted) channel.Writer.TryWrite(change);
        }
    }

    /// <summary>Passes on what the request asks for until the client leaves.</summary>
    public async Task<JsonObject> ListenAsync(RpcMessage message, Func<JsonObject, Task> notify, CancellationToken cancellationToken)
    {
        var granted = Grant(message.Params["notifications"] as JsonObject ?? throw new RpcException(RpcCode.InvalidParams, "params.notifications is missing."));
        var channel = Channel.CreateUnbounded<Change>();
        // Open before it is said to be: what changes from then on is not missed.
        _open[channel] = granted;
        try
        {
            await notify(Of(message, "notifications/subscriptions/acknowledged", new JsonObject { ["notifications"] = granted.DeepClone() }));
            await foreach (var change in channel.Reader.ReadAllAsync(cancellationToken))
                await notify(Of(message, change.Method, change.Uri is null ? [] : new JsonObject { ["uri"] = change.Uri }));
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
