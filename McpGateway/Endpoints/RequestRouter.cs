using McpGateway.Calls;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams;

namespace McpGateway.Endpoints;

/// <summary>Answers what the gateway knows itself and sends the rest to the upstream it is for.</summary>
internal sealed class RequestRouter(UpstreamRegistry upstreams, ServerAnswers answers, ClientWishes wishes, CallForwarder forwarder)
{
    /// <summary>Answers a request; the answer, or an error, has then been written.</summary>
    /// <param name="request">The request.</param>
    /// <param name="cancellationToken">Cancelled when the client gives it up. It then gets no answer.</param>
    public async Task RouteAsync(ClientRequest request, CancellationToken cancellationToken)
    {
        using var output = new MessageBuffer();
        try
        {
            switch (request.Shape.Method)
            {
                case McpMethod.Ping when request.Era == McpEra.Legacy:
                    ServerAnswers.WriteEmpty(output, request.Id);
                    break;
                case McpMethod.Discover:
                    await answers.WriteDiscoverAsync(output, request.Id, request.Scope, cancellationToken);
                    break;
                case McpMethod.ToolsList:
                    await answers.WriteToolsAsync(output, request, cancellationToken);
                    break;
                case McpMethod.SetLevel or McpMethod.ResourcesSubscribe or McpMethod.ResourcesUnsubscribe when request.Peer is not null:
                    if (await wishes.TryTakeAsync(request, cancellationToken) is { } taken) await AnswerWishAsync(request, taken, output);
                    else await ForwardAsync(request, cancellationToken);
                    return;
                default:
                    await ForwardAsync(request, cancellationToken);
                    return;
            }
        }
        catch (UpstreamException exception)
        {
            await request.Answer.FailAsync(CallErrors.Explain(request.Scope!.Name, exception), request.Id);
            return;
        }

        await request.Answer.AnswerAsync(output);
    }

    private static Task AnswerWishAsync(ClientRequest request, WishTaken taken, MessageBuffer output)
    {
        if (taken.Error is { } error) return request.Answer.FailAsync(error, request.Id);
        ServerAnswers.WriteEmpty(output, request.Id);
        return request.Answer.AnswerAsync(output);
    }

    private Task ForwardAsync(ClientRequest request, CancellationToken cancellationToken)
    {
        if (request.Shape.Method is McpMethod.Ping or McpMethod.Initialize or McpMethod.SubscriptionsListen || (request.Era == McpEra.Modern && IsRemoved(request)))
            return request.Answer.FailAsync(NoSuchMethod(request, "in this revision"), request.Id);
        if (!request.Shape.Params.IsEmpty && request.Message.Span[request.Shape.Params.Start] != '{')
            return request.Answer.FailAsync(new RpcError(RpcErrorCode.InvalidParams, "The member params must be an object."), request.Id);
        if (request.Scope is { } scope) return ForwardAsync(request, scope, null, cancellationToken);
        if (request.Shape.Method != McpMethod.ToolsCall) return request.Answer.FailAsync(NoSuchMethod(request, "on the aggregate; use /mcp/{upstream}"), request.Id);

        var name = JsonText.Read(request.Shape.Name.Of(request.Message.Span));
        if (name is null) return request.Answer.FailAsync(new RpcError(RpcErrorCode.InvalidParams, "params.name must be the name of a tool."), request.Id);
        return AggregateName.Split(name) is { } parts && upstreams.Find(parts.Upstream) is { } upstream
            ? ForwardAsync(request, upstream, parts.Tool, cancellationToken)
            : request.Answer.FailAsync(new RpcError(RpcErrorCode.InvalidParams, $"Unknown tool: {name}. Tools here are named upstream__tool; upstreams are {string.Join(", ", upstreams.All.Select(known => known.Name))}."), request.Id);
    }

    private Task ForwardAsync(ClientRequest request, Upstream upstream, string? upstreamName, CancellationToken cancellationToken)
    {
        // Whether or not the upstream looks at these headers: what stands before the gateway may have.
        if (request is { Era: McpEra.Modern, Shape: { Method: McpMethod.ToolsCall, Name.IsEmpty: false } } && (upstreamName ?? JsonText.Read(request.Shape.Name.Of(request.Message.Span))) is { } tool
            && ParameterHeaders.Check(upstream.ListedFor(request.Key.Profile).Tools, tool, request.Shape.Params.Of(request.Message), request.Parameters) is { } error)
            return request.Answer.FailAsync(error, request.Id);
        return forwarder.ForwardAsync(Call(request, upstream, upstreamName), cancellationToken);
    }

    private static GatewayCall Call(ClientRequest request, Upstream upstream, string? upstreamName) =>
        new(request.Message, request.Shape, request.Era, upstream, upstreamName, request.Key, request.Parameters, request.Answer) { Peer = request.Peer, Trace = request.Trace, Capabilities = upstream.Allow(request.Key.Profile.Capabilities) };

    /// <summary>What revision 2026-07-28 removed beside <c>initialize</c> and <c>ping</c>: it changed a session, and there is none.</summary>
    private static bool IsRemoved(ClientRequest request) =>
        JsonText.Read(request.Shape.MethodName.Of(request.Message.Span)) is "logging/setLevel" or "resources/subscribe" or "resources/unsubscribe";

    private static RpcError NoSuchMethod(ClientRequest request, string where) =>
        new(RpcErrorCode.MethodNotFound, $"There is no method {JsonText.Read(request.Shape.MethodName.Of(request.Message.Span))} {where}.");
}
