using McpGateway.Calls;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams;

namespace McpGateway.Endpoints;

/// <summary>Answers what the gateway knows itself and sends the rest to the upstream it is for.</summary>
internal sealed class RequestRouter(UpstreamRegistry upstreams, ClientSessions sessions, ServerAnswers answers, CallForwarder forwarder)
{
    /// <summary>Opens a client's session. Nothing upstream is opened for it: that is done already.</summary>
    public async Task InitializeAsync(HttpContext context, ReadOnlyMemory<byte> message, MessageShape shape, Upstream? scope)
    {
        var writer = new AnswerWriter(context, McpEra.Legacy);
        var version = McpVersion.Negotiate(JsonText.Read(shape.InitializeVersion.Of(message.Span)));
        using var output = new MessageBuffer();
        try
        {
            await answers.WriteInitializeAsync(output, shape.Id.Of(message), version, scope, context.RequestAborted);
        }
        catch (UpstreamException exception)
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            await writer.FailAsync(CallErrors.Explain(scope!.Name, exception), shape.Id.Of(message));
            return;
        }

        var session = await sessions.OpenAsync(version, scope?.Name, SessionKey.Anonymous);
        scope?.Expect(session.Key.Profile);
        context.Response.Headers[McpHeader.SessionId] = session.Id;
        await writer.AnswerAsync(output);
    }

    public async Task RouteAsync(HttpContext context, ClientRequest request, CancellationToken cancellationToken)
    {
        var writer = new AnswerWriter(context, request.Era);
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
                default:
                    await ForwardAsync(context, request, writer, cancellationToken);
                    return;
            }
        }
        catch (UpstreamException exception)
        {
            await writer.FailAsync(CallErrors.Explain(request.Scope!.Name, exception), request.Id);
            return;
        }

        await writer.AnswerAsync(output);
    }

    private Task ForwardAsync(HttpContext context, ClientRequest request, AnswerWriter writer, CancellationToken cancellationToken)
    {
        if (request.Shape.Method is McpMethod.Ping or McpMethod.Initialize or McpMethod.SubscriptionsListen || (request.Era == McpEra.Modern && IsRemoved(request)))
            return writer.FailAsync(NoSuchMethod(request, "in this revision"), request.Id);
        if (!request.Shape.Params.IsEmpty && request.Message.Span[request.Shape.Params.Start] != '{')
            return writer.FailAsync(new RpcError(RpcErrorCode.InvalidParams, "The member params must be an object."), request.Id);
        if (request.Scope is { } scope) return forwarder.ForwardAsync(Call(context, request, scope, null, writer), cancellationToken);
        if (request.Shape.Method != McpMethod.ToolsCall) return writer.FailAsync(NoSuchMethod(request, "on the aggregate; use /mcp/{upstream}"), request.Id);

        var name = JsonText.Read(request.Shape.Name.Of(request.Message.Span));
        if (name is null) return writer.FailAsync(new RpcError(RpcErrorCode.InvalidParams, "params.name must be the name of a tool."), request.Id);
        return AggregateName.Split(name) is { } parts && upstreams.Find(parts.Upstream) is { } upstream
            ? forwarder.ForwardAsync(Call(context, request, upstream, parts.Tool, writer), cancellationToken)
            : writer.FailAsync(new RpcError(RpcErrorCode.InvalidParams, $"Unknown tool: {name}. Tools here are named upstream__tool; upstreams are {string.Join(", ", upstreams.All.Select(known => known.Name))}."), request.Id);
    }

    private static GatewayCall Call(HttpContext context, ClientRequest request, Upstream upstream, string? upstreamName, AnswerWriter writer) =>
        new(request.Message, request.Shape, request.Era, upstream, upstreamName, request.Key, Parameters(context.Request), writer) { Trace = CallTrace.Of(context.Request) };

    private static List<KeyValuePair<string, string>>? Parameters(HttpRequest request)
    {
        List<KeyValuePair<string, string>>? parameters = null;
        foreach (var (name, value) in request.Headers)
        {
            if (name.StartsWith(McpHeader.ParameterPrefix, StringComparison.OrdinalIgnoreCase)) (parameters ??= []).Add(KeyValuePair.Create(name, value.ToString()));
        }

        return parameters;
    }

    /// <summary>What revision 2026-07-28 removed beside <c>initialize</c> and <c>ping</c>: it changed a session, and there is none.</summary>
    private static bool IsRemoved(ClientRequest request) =>
        JsonText.Read(request.Shape.MethodName.Of(request.Message.Span)) is "logging/setLevel" or "resources/subscribe" or "resources/unsubscribe";

    private static RpcError NoSuchMethod(ClientRequest request, string where) =>
        new(RpcErrorCode.MethodNotFound, $"There is no method {JsonText.Read(request.Shape.MethodName.Of(request.Message.Span))} {where}.");
}
