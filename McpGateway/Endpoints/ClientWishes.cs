using System.Text;
using McpGateway.Protocol;
using McpGateway.Upstreams;

namespace McpGateway.Endpoints;

/// <summary>
/// What a legacy client asks for once, and an upstream of another kind is told in another way: the log level goes with each request to a modern
/// upstream, and its subscriptions are one request that stays open.
/// </summary>
internal sealed class ClientWishes(TimeProvider time)
{
    /// <summary>Takes a wish that needs no forwarding.</summary>
    /// <returns>The outcome; null when the request is to be forwarded.</returns>
    /// <exception cref="Sessions.UpstreamException">The upstream is not available.</exception>
    public async Task<WishTaken?> TryTakeAsync(ClientRequest request, Upstream upstream, CancellationToken cancellationToken)
    {
        var isModern = (await upstream.KnowAsync(cancellationToken)).Era == McpEra.Modern;
        if (request.Shape.Method == McpMethod.SetLevel) return SetLevel(request, isTaken: isModern);
        return isModern ? await SubscribeAsync(request, upstream, cancellationToken) : null;
    }

    /// <summary>Notes the level, which filters what upstreams send and goes with each request to a modern one.</summary>
    /// <param name="request">The request.</param>
    /// <param name="isTaken">False where the upstream of a single endpoint is to be told too.</param>
    public static WishTaken? SetLevel(ClientRequest request, bool isTaken)
    {
        var level = JsonText.Read(request.Shape.Level.Of(request.Message.Span));
        var isLevel = LogSeverity.IsLevel(level);
        if (isLevel) request.Peer!.Level = level;
        // What an upstream of the legacy kind makes of another text is for it to say.
        if (!isTaken) return null;
        return new WishTaken(isLevel ? null : new RpcError(RpcErrorCode.InvalidParams, $"params.level is '{level}'; it must be one of {LogSeverity.All}."));
    }

    private async Task<WishTaken?> SubscribeAsync(ClientRequest request, Upstream upstream, CancellationToken cancellationToken)
    {
        var uri = request.Shape.Uri.Of(request.Message);
        if (JsonText.Read(uri.Span) is null) return new WishTaken(new RpcError(RpcErrorCode.InvalidParams, "params.uri must be the address of a resource."));
        request.Peer!.Subscribe(upstream.Name, Encoding.UTF8.GetString(uri.Span), wanted: request.Shape.Method == McpMethod.ResourcesSubscribe);
        await request.Peer.SubscriptionAt(upstream, request.Key, time).ChangeAsync(request.Peer.SubscriptionsAt(upstream.Name), cancellationToken);
        return new WishTaken(null);
    }
}

/// <summary>A wish that has been taken, or refused.</summary>
internal sealed record WishTaken(RpcError? Error);
