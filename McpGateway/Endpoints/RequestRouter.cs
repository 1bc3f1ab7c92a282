using McpGateway.Calls;
using McpGateway.Calls.Lists;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams;

namespace McpGateway.Endpoints;

/// <summary>Answers what the gateway knows itself and sends the rest to the upstream it is for.</summary>
internal sealed class RequestRouter(ServerAnswers answers, ListAnswers lists, TargetFinder targets, ClientWishes wishes, CallForwarder forwarder)
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
                    await answers.WriteDiscoverAsync(output, request.Id, request.Scope, request.Key.Principal, cancellationToken);
                    break;
                case McpMethod.SetLevel when request is { Peer: not null, Scope: null }:
                    await AnswerWishAsync(request, ClientWishes.SetLevel(request, isTaken: true)!);
                    return;
                case McpMethod.ToolsList or McpMethod.PromptsList or McpMethod.ResourcesList or McpMethod.ResourceTemplatesList:
                    var list = await lists.WriteAsync(output, request, ListKind.ReadBy(request.Shape.Method)!, cancellationToken);
                    if (list.Error is { } error) await request.Answer.FailAsync(error, request.Id);
                    else if (list.IsOfUpstream) await ForwardAsync(request, cancellationToken);
                    else break;
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

    private async Task ForwardAsync(ClientRequest request, CancellationToken cancellationToken)
    {
        if (Check(request) is { } error)
        {
            await request.Answer.FailAsync(error, request.Id);
            return;
        }

        var target = await targets.FindAsync(request, cancellationToken);
        if (target.Upstream is not { } upstream) await request.Answer.FailAsync(target.Error!, request.Id);
        else if (await TakeWishAsync(request, upstream, cancellationToken) is { } taken) await AnswerWishAsync(request, taken);
        else await ForwardAsync(request, upstream, target.Name, cancellationToken);
    }

    private async Task<WishTaken?> TakeWishAsync(ClientRequest request, Upstream upstream, CancellationToken cancellationToken)
    {
        if (request is not { Peer: not null, Shape.Method: McpMethod.SetLevel or McpMethod.ResourcesSubscribe or McpMethod.ResourcesUnsubscribe }) return null;
        try
        {
            return await wishes.TryTakeAsync(request, upstream, cancellationToken);
        }
        catch (UpstreamException exception)
        {
            return new WishTaken(CallErrors.Explain(upstream.Name, exception));
        }
    }

    private static async Task AnswerWishAsync(ClientRequest request, WishTaken taken)
    {
        if (taken.Error is { } error)
        {
            await request.Answer.FailAsync(error, request.Id);
            return;
        }

        using var output = new MessageBuffer();
        ServerAnswers.WriteEmpty(output, request.Id);
        await request.Answer.AnswerAsync(output);
    }

    private static RpcError? Check(ClientRequest request)
    {
        if (request.Shape.Method is McpMethod.Ping or McpMethod.Initialize or McpMethod.SubscriptionsListen || (request.Era == McpEra.Modern && IsRemoved(request)))
            return NoSuchMethod(request, "in this revision");
        return !request.Shape.Params.IsEmpty && request.Message.Span[request.Shape.Params.Start] != '{' ? new RpcError(RpcErrorCode.InvalidParams, "The member params must be an object.") : null;
    }

    private static RpcError NoSuchMethod(ClientRequest request, string where) => new(RpcErrorCode.MethodNotFound, $"There is no method {JsonText.Read(request.Shape.MethodName.Of(request.Message.Span))} {where}.");

    private Task ForwardAsync(ClientRequest request, Upstream upstream, string? upstreamName, CancellationToken cancellationToken)
    {
        // Whether or not the upstream looks at these headers: what stands before the gateway may have.
        if (request is { Era: McpEra.Modern, Shape: { Method: McpMethod.ToolsCall, Name.IsEmpty: false } } && (upstreamName ?? JsonText.Read(request.Shape.Name.Of(request.Message.Span))) is { } tool
            && ParameterHeaders.Check(upstream.ListedFor(request.Key.Profile, ListKind.Tools)[ListKind.Tools]?.Find(tool), request.Shape.Params.Of(request.Message), request.Parameters) is { } error)
            return request.Answer.FailAsync(error, request.Id);
        return IsOfTasks(request) ? ForwardTaskAsync(request, upstream, cancellationToken) : forwarder.ForwardAsync(Call(request, upstream, upstreamName), cancellationToken);
    }

    /// <summary>No two revisions spell tasks alike: they pass as they are where client and upstream speak the same one.</summary>
    private async Task ForwardTaskAsync(ClientRequest request, Upstream upstream, CancellationToken cancellationToken)
    {
        var (client, server) = (request.Era == McpEra.Modern ? McpVersion.Modern : request.Key.Profile.Version, (await upstream.KnowAsync(cancellationToken)).Version);
        if (client == server) await forwarder.ForwardAsync(Call(request, upstream, null), cancellationToken);
        else await request.Answer.FailAsync(NoSuchMethod(request, $"here: the client speaks {client} and upstream '{upstream.Name}' {server}, and tasks pass between equal revisions only"), request.Id);
    }

    private static bool IsOfTasks(ClientRequest request) =>
        request.Shape.Method == McpMethod.Other && JsonText.Read(request.Shape.MethodName.Of(request.Message.Span)) is { } name && name.StartsWith("tasks/", StringComparison.Ordinal);

    private static GatewayCall Call(ClientRequest request, Upstream upstream, string? upstreamName) =>
        new(request.Message, request.Shape, request.Era, upstream, upstreamName, request.Key, request.Parameters, request.Answer) { Peer = request.Peer, Trace = request.Trace, Capabilities = upstream.Allow(request.Key.Profile.Capabilities) };

    /// <summary>What revision 2026-07-28 removed beside <c>initialize</c> and <c>ping</c>: it changed a session, and there is none.</summary>
    private static bool IsRemoved(ClientRequest request) =>
        JsonText.Read(request.Shape.MethodName.Of(request.Message.Span)) is "logging/setLevel" or "resources/subscribe" or "resources/unsubscribe";
}
