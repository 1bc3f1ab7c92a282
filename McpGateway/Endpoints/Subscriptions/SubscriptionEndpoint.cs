using System.Collections.Concurrent;
using McpGateway.Calls;
using McpGateway.Endpoints.Streams;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams;
using ServiceDefaults.Drain;

namespace McpGateway.Endpoints.Subscriptions;

/// <summary>
/// Answers <c>subscriptions/listen</c> of 2026-07-28: a stream that stays open until its client, or the gateway, ends it. The
/// revision has no way back to a lost one; the client asks again.
/// </summary>
internal sealed class SubscriptionEndpoint(StreamHub hub, GatewayOptions options, DrainState drain, TimeProvider time)
{
    private readonly ConcurrentDictionary<ClientSubscription, bool> _open = new();

    public IEnumerable<ClientSubscription> Open => _open.Keys;

    public async Task ListenAsync(HttpContext context, ClientRequest request)
    {
        if (!Accepts.Stream(context.Request))
            await Refusal.WriteAsync(context, StatusCodes.Status406NotAcceptable, RpcErrorCode.InvalidRequest, "The answer is a stream. Send Accept: application/json, text/event-stream.", request.Id);
        else if (SubscriptionFilter.Read(request.Shape.Params.Of(request.Message)) is not { } asked)
            await request.Answer.FailAsync(new RpcError(RpcErrorCode.InvalidParams, "params.notifications must be an object that names what to listen to."), request.Id);
        else if (_open.Count >= options.MaxSessions)
            await request.Answer.FailAsync(new RpcError(RpcErrorCode.UpstreamUnavailable, $"There are {_open.Count} subscriptions, as many as Gateway:MaxSessions allows.", TimeSpan.FromSeconds(5)), request.Id);
        else
            await ListenAsync(context, request, asked);
    }

    private async Task ListenAsync(HttpContext context, ClientRequest request, SubscriptionFilter asked)
    {
        SubscriptionFilter offered;
        try
        {
            offered = await OfferAsync(request.Scope, context.RequestAborted);
        }
        catch (UpstreamException exception)
        {
            await request.Answer.FailAsync(CallErrors.Explain(request.Scope!.Name, exception), request.Id);
            return;
        }

        var stream = new SessionStreams(options.StreamBounds, time).Open(StreamKind.Subscription);
        var subscription = new ClientSubscription(request.Scope?.Name, asked.And(offered), request.Id.Span, stream);
        subscription.Acknowledge();
        _open[subscription] = true;
        try
        {
            await using var atDrain = drain.Draining.UnsafeRegister(static subscription => ((ClientSubscription)subscription!).Close(), subscription);
            await new StreamConnection(context, stream, hub).RunAsync();
        }
        finally
        {
            _open.TryRemove(subscription, out _);
        }
    }

    /// <summary>What can be told: of every list there is, since the gateway reads them again whether or not the upstream announces a change.</summary>
    private static async Task<SubscriptionFilter> OfferAsync(Upstream? scope, CancellationToken cancellationToken)
    {
        if (scope is null) return new SubscriptionFilter(Tools: true, Prompts: true, Resources: true);
        var server = await scope.KnowAsync(cancellationToken);
        return new SubscriptionFilter(server.HasTools, server.Has("prompts"), server.Has("resources"));
    }
}
