using System.Text;
using McpGateway.Calls;
using McpGateway.Endpoints.Replicas;
using McpGateway.Endpoints.Streams;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams;
using ServiceDefaults.Drain;

namespace McpGateway.Endpoints;

/// <summary>
/// HTTP+SSE of 2024-11-05: a GET opens the session and carries every message to the client, POSTs beside it carry the client's. The
/// revision has no way back to a lost stream, so that the session, its calls included, ends with it.
/// </summary>
internal sealed class SseEndpoint(UpstreamRegistry upstreams, ClientSessions sessions, SessionCalls calls, ServerAnswers answers, ServerMeter meter, StreamHub hub, IReplicas replicas, ReplicaQuestions questions, GatewayOptions options, DrainState drain)
{
    /// <summary>Opens a session and sends to it until it ends.</summary>
    /// <param name="context">The request.</param>
    /// <param name="upstreamName">The endpoint's upstream; null for the aggregate.</param>
    /// <param name="messages">Path that the client POSTs to.</param>
    public async Task GetAsync(HttpContext context, string? upstreamName, string messages)
    {
        if (upstreamName is not null && upstreams.Find(upstreamName) is null) await McpEndpoint.RefuseUpstreamAsync(context, upstreams, upstreamName);
        else if (drain.IsDraining) await Refusal.WhileDrainingAsync(context);
        else await SendAsync(context, upstreamName, messages);
    }

    /// <summary>Takes one message; what there is to answer goes on the stream.</summary>
    public async Task PostAsync(HttpContext context, string? upstreamName)
    {
        try
        {
            if (Find(context, upstreamName) is not { } session)
            {
                if (context.Request.Query["sessionId"].ToString() is { Length: > 0 } id && StreamEventId.OwnerOf(id) is { } owner && owner != replicas.Name)
                {
                    await PostElsewhereAsync(context, upstreamName, id, owner);
                    return;
                }

                await RefuseSessionAsync(context);
                return;
            }

            await TakeAsync(context, upstreamName is null ? null : upstreams.Find(upstreamName), session, Incoming.Scan(await McpEndpoint.ReadBodyAsync(context, options), context.Request));
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

    /// <summary>Takes a message that has come to another gateway; gives its status.</summary>
    public int TakeElsewhere(string sessionId, string? upstreamName, byte[] body)
    {
        if (sessions.Find(sessionId, upstreamName) is not { Pair: not null } session) return StatusCodes.Status404NotFound;
        var message = new Incoming(MessageBuffer.CopyOf(body), MessageScanner.Scan(body), null);
        if (drain.IsDraining && message.Shape.Kind == MessageKind.Request)
        {
            message.Dispose();
            return StatusCodes.Status503ServiceUnavailable;
        }

        if (message.Shape.Kind == MessageKind.Request) _ = AnswerAsync(upstreamName is null ? null : upstreams.Find(upstreamName), session, message, null);
        else using (message) session.TryTake(message.Shape, message.Span);
        return StatusCodes.Status202Accepted;
    }

    private async Task PostElsewhereAsync(HttpContext context, string? upstreamName, string id, string owner)
    {
        using var message = Incoming.Scan(await McpEndpoint.ReadBodyAsync(context, options), context.Request);
        var status = await questions.AskAsync(owner, new ReplicaMessage(ReplicaMessageKind.Pair, id) { Scope = upstreamName, Body = message.Span.ToArray() });
        if (status == StatusCodes.Status202Accepted) context.Response.StatusCode = status;
        else if (status == StatusCodes.Status404NotFound) await RefuseSessionAsync(context);
        else await Refusal.OfReplicaAsync(context, status);
    }

    private async Task SendAsync(HttpContext context, string? upstreamName, string messages)
    {
        var session = await sessions.OpenPairAsync(upstreamName, SessionKey.Anonymous);
        try
        {
            var endpoint = $"event: endpoint\ndata: {context.Request.PathBase}{messages}?sessionId={session.Id}\n\n";
            session.Pair = session.Streams.Open(StreamKind.Pair);
            await new StreamConnection(context, session.Pair, hub).RunAsync(opening: Encoding.UTF8.GetBytes(endpoint));
        }
        finally
        {
            await sessions.EndAsync(session.Id);
        }
    }

    private ClientSession? Find(HttpContext context, string? upstreamName) =>
        context.Request.Query["sessionId"].ToString() is { Length: > 0 } id && sessions.Find(id, upstreamName) is { Pair: not null } session ? session : null;

    private static Task RefuseSessionAsync(HttpContext context) => context.Request.Query["sessionId"].Count == 0
        ? Refusal.WriteAsync(context, StatusCodes.Status400BadRequest, RpcErrorCode.InvalidRequest, "The query parameter sessionId is missing. GET the stream first; its endpoint event names the address to POST to.")
        : Refusal.WriteAsync(context, StatusCodes.Status404NotFound, RpcErrorCode.InvalidRequest, "There is no such session (any more). It ends with its stream; GET a new one.");

    private async Task TakeAsync(HttpContext context, Upstream? scope, ClientSession session, Incoming message)
    {
        if (drain.IsDraining && message.Shape.Kind == MessageKind.Request)
        {
            using (message) await Refusal.WhileDrainingAsync(context, message.Id);
            return;
        }

        context.Response.StatusCode = StatusCodes.Status202Accepted;
        if (message.Shape.Kind == MessageKind.Request) _ = AnswerAsync(scope, session, message, meter.Start(context, message.Span, message.Shape));
        else using (message) session.TryTake(message.Shape, message.Span);
    }

    private async Task AnswerAsync(Upstream? scope, ClientSession session, Incoming message, ServerOperation? operation)
    {
        using var measured = operation;
        var answer = new PairAnswer(session.Pair!, operation);
        if (message.Shape.Method != McpMethod.Initialize) await calls.RunAsync(session, scope, message, answer);
        else using (message) await InitializeAsync(scope, session, message.Memory, message.Shape, answer);
    }

    private async Task InitializeAsync(Upstream? scope, ClientSession session, ReadOnlyMemory<byte> message, MessageShape shape, PairAnswer answer)
    {
        if (ClientIntroduction.Check(message.Span, shape) is { } wrong)
        {
            await answer.FailAsync(wrong, shape.Id.Of(message));
            return;
        }

        var introduction = ClientIntroduction.Read(message.Span, shape);
        using var output = new MessageBuffer();
        try
        {
            await answers.WriteInitializeAsync(output, shape.Id.Of(message), introduction.Version, scope, SessionKey.Anonymous, CancellationToken.None);
        }
        catch (UpstreamException exception)
        {
            await answer.FailAsync(CallErrors.Explain(scope!.Name, exception), shape.Id.Of(message));
            return;
        }

        sessions.Introduce(session, introduction);
        scope?.Expect(session.Key.Profile);
        await answer.AnswerAsync(output);
    }
}
