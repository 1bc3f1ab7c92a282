using System.Text;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams.Links;

namespace McpGateway.Calls.Inputs;

/// <summary>
/// Makes a legacy client the owner of the upstream session that is pinned to it, before its first call there: what it has asked for on an
/// earlier session, its log level and its subscriptions, holds on this one too.
/// </summary>
internal static class Ownership
{
    /// <summary>Completes at once when there is nothing to do, which is always but for a client's first call on a session.</summary>
    public static ValueTask TakeAsync(GatewayCall call, UpstreamSession session, CancellationToken cancellationToken)
    {
        if (call.Peer is not { } peer || session.Server.Era == McpEra.Modern || session.PinnedTo is not { IsOfSession: true } || session.Link.Listener is not null) return ValueTask.CompletedTask;
        session.Link.Listener = new SessionOwner(peer, call.Capabilities & session.Profile.Capabilities);
        return new ValueTask(SettleAsync(call, peer, session, cancellationToken));
    }

    /// <summary>Makes sure that what a subscription brings can arrive, before it is asked for. Log messages are not waited for.</summary>
    public static Task ListenAsync(GatewayCall call, UpstreamSession session, CancellationToken cancellationToken)
    {
        if (call.Shape.Method == McpMethod.ResourcesSubscribe) return session.Link.ListenAsync(cancellationToken);
        if (call.Shape.Method == McpMethod.SetLevel && session.Link.Listener is not null) _ = session.Link.ListenAsync(CancellationToken.None);
        return Task.CompletedTask;
    }

    private static async Task SettleAsync(GatewayCall call, ClientPeer peer, UpstreamSession session, CancellationToken cancellationToken)
    {
        var link = session.Link;
        var subscriptions = peer.SubscriptionsAt(call.Upstream.Name);
        // Not waited for: only what has been subscribed to must not be missed.
        if (call.Capabilities != ClientCapabilities.None || peer.Level is not null) _ = link.ListenAsync(CancellationToken.None);
        if (subscriptions.Count > 0) await link.ListenAsync(cancellationToken);
        foreach (var uri in subscriptions) await CallAsync(link, McpMethodNames.ResourcesSubscribe, $"{{\"uri\":{uri}}}", cancellationToken);
        if (peer.Level is { } level && call.Shape.Method != McpMethod.SetLevel && session.Server.Has("logging")) await CallAsync(link, McpMethodNames.SetLevel, $"{{\"level\":{Encoding.UTF8.GetString(JsonText.Write(level))}}}", cancellationToken);
        // A server asks for roots once, when it hears that there are some; this session was opened before anybody could answer.
        if (call.Capabilities.HasFlag(ClientCapabilities.RootsListChanged)) await link.SendNotificationAsync("""{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"""u8.ToArray(), McpMethod.RootsListChanged, cancellationToken);
    }

    /// <summary>What the upstream refuses here it would have refused the client too, which was told then.</summary>
    private static async Task CallAsync(UpstreamLink link, string method, string parameters, CancellationToken cancellationToken)
    {
        using var answer = await LinkCalls.CallAsync(link, method, parameters, cancellationToken);
    }
}
