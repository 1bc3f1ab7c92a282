using McpGateway.Calls;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams;
using Microsoft.AspNetCore.Http.Features;
using ServiceDefaults.Drain;

namespace McpGateway.Endpoints;

/// <summary>Streamable HTTP towards clients, for both eras, on <c>/mcp</c> and <c>/mcp/{upstream}</c>.</summary>
internal sealed class McpEndpoint(UpstreamRegistry upstreams, ClientSessions sessions, RequestRouter router, ServerMeter meter, GatewayOptions options, DrainState drain)
{
    /// <summary>Takes one message from a client.</summary>
    public async Task PostAsync(HttpContext context, string? upstreamName)
    {
        Upstream? scope = null;
        if (upstreamName is not null && (scope = upstreams.Find(upstreamName)) is null)
        {
            await RefuseAsync(context, StatusCodes.Status404NotFound, RpcErrorCode.InvalidRequest,
                $"There is no upstream '{upstreamName}'. Known: {string.Join(", ", upstreams.All.Select(upstream => upstream.Name))}.");
            return;
        }

        await ReadAndAnswerAsync(context, scope);
    }

    /// <summary>Ends a client's session.</summary>
    public async Task<IResult> DeleteAsync(HttpContext context, string? upstreamName)
    {
        var id = context.Request.Headers[McpHeader.SessionId].ToString();
        if (id.Length == 0) return Results.Problem(statusCode: StatusCodes.Status400BadRequest, title: $"The header {McpHeader.SessionId} is missing.");
        if (sessions.Find(id, upstreamName) is null || !await sessions.EndAsync(id)) return Results.Problem(statusCode: StatusCodes.Status404NotFound, title: "There is no such session.");
        return Results.NoContent();
    }

    private async Task ReadAndAnswerAsync(HttpContext context, Upstream? scope)
    {
        MessageBuffer? body = null;
        try
        {
            // The gateway's own limit decides, above Kestrel's default too; its error names the setting.
            if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = null;
            body = await MessageBuffer.ReadAsync(context.Request.Body, options.MessageLimit, context.RequestAborted);
            var shape = MessageScanner.Scan(body.Span);
            using var operation = meter.Start(context, body.Span, shape);
            await AnswerAsync(context, scope, body.Memory, shape);
        }
        catch (MessageRefusedException refused)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, refused.Code, refused.Message);
        }
        catch (MessageTooLargeException exception)
        {
            await RefuseAsync(context, StatusCodes.Status413PayloadTooLarge, RpcErrorCode.InvalidRequest, $"{exception.Message} Send less, or raise Gateway:MessageLimit.");
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client has gone; there is nobody to answer.
        }
        finally
        {
            body?.Dispose();
        }
    }

    private async Task AnswerAsync(HttpContext context, Upstream? scope, ReadOnlyMemory<byte> body, MessageShape shape)
    {
        // What is under way can still be cancelled.
        if (drain.IsDraining && shape.Kind == MessageKind.Request)
        {
            context.Response.Headers.RetryAfter = "5";
            await RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, RpcErrorCode.UpstreamUnavailable, "The gateway is draining. Try again in a few seconds.", shape.Id.Of(body));
            return;
        }

        if (Affinity.Read(context.Request, body.Span, shape, out var affinity) is { } wrong)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, wrong.Code, wrong.Message, shape.Id.Of(body));
            return;
        }

        var era = EraOf(context.Request, shape);
        if (era == McpEra.Modern)
        {
            if (ModernRequest.Check(context.Request, body.Span, shape) is { } error) await AnswerErrorAsync(context, era, error, shape, body);
            else if (shape.Kind != MessageKind.Request) context.Response.StatusCode = StatusCodes.Status202Accepted;
            else await router.RouteAsync(context, new ClientRequest(body, shape, era, scope, Caller(affinity)), context.RequestAborted);
            return;
        }

        if (shape is { Kind: MessageKind.Request, Method: McpMethod.Initialize })
        {
            await router.InitializeAsync(context, body, shape, scope);
            return;
        }

        var id = context.Request.Headers[McpHeader.SessionId].ToString();
        if (id.Length == 0)
            await RefuseAsync(context, StatusCodes.Status400BadRequest, RpcErrorCode.InvalidRequest, $"The header {McpHeader.SessionId} is missing. Send initialize first, or speak revision {McpVersion.Modern}.", shape.Id.Of(body));
        else if (sessions.Find(id, scope?.Name) is not { } session)
            await RefuseAsync(context, StatusCodes.Status404NotFound, RpcErrorCode.InvalidRequest, "There is no such session (any more). Send initialize again.", shape.Id.Of(body));
        else if (context.Request.Headers[McpHeader.ProtocolVersion].ToString() is { Length: > 0 } version && !McpVersion.IsLegacy(version))
            await RefuseAsync(context, StatusCodes.Status400BadRequest, RpcErrorCode.InvalidRequest, $"The header {McpHeader.ProtocolVersion} is '{version}'; this session speaks {session.Version}.", shape.Id.Of(body));
        else await AnswerInSessionAsync(context, scope, body, shape, session);
    }

    private async Task AnswerInSessionAsync(HttpContext context, Upstream? scope, ReadOnlyMemory<byte> body, MessageShape shape, ClientSession session)
    {
        if (shape.Kind != MessageKind.Request)
        {
            if (shape.Method == McpMethod.Cancelled) session.Cancel(shape.RequestId.Of(body.Span));
            context.Response.StatusCode = StatusCodes.Status202Accepted;
            return;
        }

        // A client of this era that disconnects has not cancelled: only its notification does.
        using var cancellation = new CancellationTokenSource();
        if (!session.TryBegin(shape.Id.Of(body.Span), cancellation))
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, RpcErrorCode.InvalidRequest, "A request with this id is under way in this session.", shape.Id.Of(body));
            return;
        }

        try
        {
            await router.RouteAsync(context, new ClientRequest(body, shape, McpEra.Legacy, scope, session.Key), cancellation.Token);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // No answer to a cancelled request: the stream just ends.
            if (!context.Response.HasStarted) context.Response.ContentType = "text/event-stream";
        }
        finally
        {
            session.End(shape.Id.Of(body.Span));
            if (session.HasEnded) await sessions.ReleaseAsync(session);
        }
    }

    /// <summary>The body's envelope decides; <c>server/discover</c> and a header that says so belong to the modern era too, so that what is missing can be named.</summary>
    private static McpEra EraOf(HttpRequest request, MessageShape shape) =>
        !shape.EnvelopeVersion.IsEmpty || shape.Method == McpMethod.Discover || request.Headers[McpHeader.ProtocolVersion] == McpVersion.Modern ? McpEra.Modern : McpEra.Legacy;

    private static SessionKey Caller(string? affinity) => new(SessionKey.Anonymous, affinity is null ? null : $"affinity:{affinity}");

    private static Task AnswerErrorAsync(HttpContext context, McpEra era, RpcError error, MessageShape shape, ReadOnlyMemory<byte> body) =>
        new AnswerWriter(context, era).FailAsync(error, shape.Id.Of(body));

    private static async Task RefuseAsync(HttpContext context, int status, int code, string message, ReadOnlyMemory<byte> id = default)
    {
        ServerOperation.Note(context, new OperationEnd(code));
        using var answer = new MessageBuffer(512);
        new RpcError(code, message).WriteTo(answer, id.Span);
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = answer.Length;
        await context.Response.BodyWriter.WriteAsync(answer.Memory, context.RequestAborted);
    }
}
