using McpGateway.Calls;
using McpGateway.Endpoints.Subscriptions;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams;
using Microsoft.AspNetCore.Http.Features;
using ServiceDefaults.Drain;

namespace McpGateway.Endpoints;

/// <summary>Takes what clients POST, on <c>/mcp</c> and <c>/mcp/{upstream}</c>, and tells the two eras apart.</summary>
internal sealed class McpEndpoint(UpstreamRegistry upstreams, SessionEndpoint legacy, SubscriptionEndpoint subscriptions, RequestRouter router, ServerMeter meter, GatewayOptions options, DrainState drain)
{
    public async Task PostAsync(HttpContext context, string? upstreamName)
    {
        Upstream? scope = null;
        if (upstreamName is not null && (scope = upstreams.Find(upstreamName)) is null)
        {
            await RefuseUnknownAsync(context, upstreamName);
            return;
        }

        try
        {
            var body = await ReadBodyAsync(context, options);
            if (BatchReader.IsBatch(body.Span)) await legacy.PostBatchAsync(context, scope, body);
            else await ScanAndAnswerAsync(context, scope, body);
        }
        catch (Exception exception) when (Refusal.Explains(exception))
        {
            await Refusal.OfBodyAsync(context, exception);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client has gone; there is nobody to answer.
        }
    }

    public static Task RefuseUpstreamAsync(HttpContext context, UpstreamRegistry upstreams, string name, ReadOnlyMemory<byte> id = default) => Refusal.WriteAsync(
        context, StatusCodes.Status404NotFound, RpcErrorCode.InvalidRequest, $"There is no upstream '{name}'. Known: {string.Join(", ", upstreams.All.Select(upstream => upstream.Name))}.", id);

    /// <summary>Reads a request's body; the caller disposes it.</summary>
    public static ValueTask<MessageBuffer> ReadBodyAsync(HttpContext context, GatewayOptions options)
    {
        // The gateway's own limit decides, above Kestrel's default too; its error names the setting.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = null;
        return MessageBuffer.ReadAsync(context.Request.Body, options.MessageLimit, context.RequestAborted);
    }

    /// <summary>Refuses a request for an upstream that there is not, under its own id: a client finds the answer by that.</summary>
    private async Task RefuseUnknownAsync(HttpContext context, string name)
    {
        try
        {
            using var message = Incoming.Scan(await ReadBodyAsync(context, options), context.Request);
            await RefuseUpstreamAsync(context, upstreams, name, message.Shape.Kind == MessageKind.Request ? message.Id : default);
        }
        catch (Exception exception) when (Refusal.Explains(exception))
        {
            // What cannot be read has no id, and the address is what is wrong first.
            await RefuseUpstreamAsync(context, upstreams, name);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client has gone; there is nobody to answer.
        }
    }

    private async Task ScanAndAnswerAsync(HttpContext context, Upstream? scope, MessageBuffer body)
    {
        var message = Incoming.Scan(body, context.Request);
        using var operation = meter.Start(context, message.Span, message.Shape);
        // While the gateway drains only what is under way goes on, and can be cancelled and answered.
        if (drain.IsDraining && message.Shape.Kind == MessageKind.Request)
        {
            using (message) await Refusal.WhileDrainingAsync(context, message.Id, operation);
        }
        else if (Affinity.Read(context.Request, message.Span, message.Shape, out var affinity) is { } wrong)
        {
            using (message) await Refusal.WriteAsync(context, StatusCodes.Status400BadRequest, wrong.Code, wrong.Message, message.Id, operation);
        }
        else if (EraOf(context.Request, message.Shape) == McpEra.Legacy)
        {
            // A legacy client's call can outlive this request, and takes its bytes with it.
            await legacy.PostAsync(context, scope, message, operation);
        }
        else
        {
            using (message) await AnswerModernAsync(context, scope, message, affinity, operation);
        }
    }

    private async Task AnswerModernAsync(HttpContext context, Upstream? scope, Incoming message, string? affinity, ServerOperation? operation)
    {
        var answer = new HttpAnswer(context, McpEra.Modern, operation);
        if (ModernRequest.Check(context.Request, message.Span, message.Shape) is { } error) await answer.FailAsync(error, message.Id);
        else if (message.Shape.Kind != MessageKind.Request) context.Response.StatusCode = StatusCodes.Status202Accepted;
        else await AnswerModernAsync(context, new ClientRequest(message, McpEra.Modern, scope, Caller(affinity, message), answer, ModernRequest.Parameters(context.Request)));
    }

    private Task AnswerModernAsync(HttpContext context, ClientRequest request) => request.Shape.Method == McpMethod.SubscriptionsListen
        ? subscriptions.ListenAsync(context, request)
        : router.RouteAsync(request, context.RequestAborted);

    /// <summary>The body's envelope decides; <c>server/discover</c> and a header that says so belong to the modern era too, so that what is missing can be named.</summary>
    private static McpEra EraOf(HttpRequest request, MessageShape shape) =>
        !shape.EnvelopeVersion.IsEmpty || shape.Method == McpMethod.Discover || request.Headers[McpHeader.ProtocolVersion] == McpVersion.Modern ? McpEra.Modern : McpEra.Legacy;

    private static SessionKey Caller(string? affinity, Incoming message) => new(SessionKey.Anonymous, affinity is null ? null : $"affinity:{affinity}") { Profile = ModernRequest.Profile(message.Span, message.Shape) };
}
