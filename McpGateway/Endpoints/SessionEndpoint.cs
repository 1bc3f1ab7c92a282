using System.Text;
using McpGateway.Calls;
using McpGateway.Endpoints.Replicas;
using McpGateway.Endpoints.Streams;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams;
using ServiceDefaults.Drain;

namespace McpGateway.Endpoints;

/// <summary>Streamable HTTP as 2025-03-26, 2025-06-18 and 2025-11-25 have it: sessions, streams that clients open and come back to, DELETE.</summary>
internal sealed class SessionEndpoint(UpstreamRegistry upstreams, ClientSessions sessions, SessionCalls calls, ServerAnswers answers, ServerMeter meter, StreamHub hub, IReplicas replicas, RelayedStreams relayed, DrainState drain)
{
    /// <summary>Takes one message, and its bytes over.</summary>
    public async Task PostAsync(HttpContext context, Upstream? scope, Incoming message, ServerOperation? operation)
    {
        if (message.Shape is { Kind: MessageKind.Request, Method: McpMethod.Initialize })
        {
            using (message) await InitializeAsync(context, scope, message.Memory, message.Shape, operation);
        }
        else if (await FindAsync(context, scope?.Name, message.Id, operation) is not { } session)
        {
            message.Dispose();
        }
        else if (message.Shape.Kind != MessageKind.Request)
        {
            using (message) await TakeAsync(session, message);
            context.Response.StatusCode = StatusCodes.Status202Accepted;
        }
        else
        {
            var answer = new SessionAnswer(context, session, hub, message.Id, operation);
            _ = RunAsync(session, scope, message, answer);
            await answer.Sent;
        }
    }

    /// <summary>Takes a batch, which only 2025-03-26 has. Takes the body over.</summary>
    public async Task PostBatchAsync(HttpContext context, Upstream? scope, MessageBuffer body)
    {
        using var whole = body;
        if (context.Request.Headers[McpHeader.SessionId].Count == 0) throw new MessageRefusedException(RpcErrorCode.InvalidRequest, NoBatch);
        if (await FindAsync(context, scope?.Name) is not { } session) return;
        if (!session.Introduction.HasBatches) throw new MessageRefusedException(RpcErrorCode.InvalidRequest, NoBatch);
        var members = BatchReader.Read(body.Span, context.Request);
        if (drain.IsDraining && members.Any(member => member.Shape.Kind == MessageKind.Request))
        {
            foreach (var member in members) member.Dispose();
            await Refusal.WhileDrainingAsync(context);
            return;
        }

        var answer = new SessionAnswer(context, session, hub, default);
        if (members.All(static member => member.Shape.Kind != MessageKind.Request)) context.Response.StatusCode = StatusCodes.Status202Accepted;
        _ = RunBatchAsync(scope, session, [.. members.Select(member => (member, meter.Start(context, member.Span, member.Shape)))], answer);
        await answer.Sent;
    }

    /// <summary>Opens a stream for messages outside any call, or goes on with one that the client has lost.</summary>
    public async Task GetAsync(HttpContext context, string? upstreamName)
    {
        if (upstreamName is not null && upstreams.Find(upstreamName) is null) await McpEndpoint.RefuseUpstreamAsync(context, upstreams, upstreamName);
        else if (context.Request.Headers[McpHeader.ProtocolVersion] == McpVersion.Modern) RefuseMethod(context);
        else if (!Accepts.Stream(context.Request)) await Refusal.WriteAsync(context, StatusCodes.Status406NotAcceptable, RpcErrorCode.InvalidRequest, "A GET opens a stream. Send Accept: text/event-stream.");
        else if (drain.IsDraining) await Refusal.WhileDrainingAsync(context);
        else if (await FindAsync(context, upstreamName) is { } session) await ListenAsync(context, session);
    }

    /// <summary>Ends a client's session.</summary>
    public async Task DeleteAsync(HttpContext context, string? upstreamName)
    {
        if (context.Request.Headers[McpHeader.ProtocolVersion] == McpVersion.Modern)
        {
            RefuseMethod(context);
            return;
        }

        if (await FindAsync(context, upstreamName) is not { } session) return;
        await sessions.EndAsync(session.Id);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    /// <summary>Takes what needs no answer: a cancellation, a notification, an answer to a request of the server's. What concerns nothing here goes to the other gateways that have the session.</summary>
    private Task TakeAsync(ClientSession session, Incoming message) =>
        session.TryTake(message.Shape, message.Span) || !MayConcernOthers(session, message.Shape)
            ? Task.CompletedTask
            : replicas.SpreadAsync(new ReplicaMessage(ReplicaMessageKind.Client, session.Id) { Body = message.Span.ToArray() });

    private static bool MayConcernOthers(ClientSession session, MessageShape shape) =>
        session.StoredAt is not null && (shape.Method == McpMethod.Cancelled || shape.Kind is MessageKind.Result or MessageKind.Error);

    private const string NoBatch = "A batch was sent; send one message per request (batches are of revision 2025-03-26 alone).";

    private async Task InitializeAsync(HttpContext context, Upstream? scope, ReadOnlyMemory<byte> message, MessageShape shape, ServerOperation? operation)
    {
        var answer = new HttpAnswer(context, McpEra.Legacy, operation);
        if (ClientIntroduction.Check(message.Span, shape) is { } wrong)
        {
            await answer.FailAsync(wrong, shape.Id.Of(message));
            return;
        }

        var introduction = ClientIntroduction.Read(message.Span, shape);
        using var output = new MessageBuffer();
        try
        {
            await answers.WriteInitializeAsync(output, shape.Id.Of(message), introduction.Version, scope, SessionKey.Anonymous, context.RequestAborted);
        }
        catch (UpstreamException exception)
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            await answer.FailAsync(CallErrors.Explain(scope!.Name, exception), shape.Id.Of(message));
            return;
        }

        // It waits for nothing upstream: what is opened for clients like it is opened in the background.
        var session = await sessions.OpenAsync(introduction, scope?.Name, SessionKey.Anonymous);
        scope?.Expect(session.Key.Profile);
        context.Response.Headers[McpHeader.SessionId] = session.Id;
        await answer.AnswerAsync(output);
    }

    private async Task RunAsync(ClientSession session, Upstream? scope, Incoming message, SessionAnswer answer)
    {
        await calls.RunAsync(session, scope, message, answer);
        answer.End();
    }

    private async Task RunBatchAsync(Upstream? scope, ClientSession session, (Incoming Message, ServerOperation? Operation)[] members, SessionAnswer answer)
    {
        using var batch = new BatchAnswer(answer);
        await Task.WhenAll(members.Select(member => RunMemberAsync(scope, session, member.Message, member.Operation, batch)));
        await batch.FinishAsync();
        answer.End();
    }

    private async Task RunMemberAsync(Upstream? scope, ClientSession session, Incoming message, ServerOperation? operation, BatchAnswer batch)
    {
        using var measured = operation;
        if (message.Shape.Kind == MessageKind.Request) await calls.RunAsync(session, scope, message, batch.Part(operation));
        else using (message) await TakeAsync(session, message);
    }

    private async Task ListenAsync(HttpContext context, ClientSession session)
    {
        var last = context.Request.Headers[McpHeader.LastEventId].ToString();
        if (last.Length == 0) await OpenAsync(context, session);
        else if (!StreamEventId.TryParse(last, out var id)) await Refusal.WriteAsync(context, StatusCodes.Status400BadRequest, RpcErrorCode.InvalidRequest, $"The header {McpHeader.LastEventId} is no event id of this server.");
        else if (session.Streams.Find(id.Stream) is { } stream) await new StreamConnection(context, stream, hub).RunAsync(id.Sequence);
        else if (id.Owner is { } owner && owner != replicas.Name) await ResumeElsewhereAsync(context, session, id);
        else await GoneAsync(context, session, id);
    }

    /// <summary>Goes on with a stream that another gateway keeps.</summary>
    private async Task ResumeElsewhereAsync(HttpContext context, ClientSession session, StreamEventId id)
    {
        var lost = id.RequestId is { } requestId ? Encoding.UTF8.GetBytes($"event: message\ndata: {AnswerLost(requestId)}\n\n") : null;
        var status = await relayed.SendAsync(context, session, id, lost);
        if (status == StatusCodes.Status404NotFound) await GoneAsync(context, session, id);
        else if (status != StatusCodes.Status200OK) await Refusal.OfReplicaAsync(context, status);
    }

    /// <summary>The stream is not kept any more, or died with its gateway.</summary>
    private async Task GoneAsync(HttpContext context, ClientSession session, StreamEventId id)
    {
        if (id.RequestId is { } requestId) await AnswerLostAsync(context, session, requestId);
        else await OpenAsync(context, session);
    }

    private async Task OpenAsync(HttpContext context, ClientSession session)
    {
        var stream = session.Streams.Open(StreamKind.Listening);
        // Known before the client sees that it stands: what is for it then comes here from everywhere.
        if (session.StoredAt is not null) await replicas.ListenAsync(session.Id);
        await new StreamConnection(context, stream, hub).RunAsync(primes: session.Introduction.Primes);
    }

    /// <summary>A call's stream that is not kept any more, or died with an earlier gateway: its client is told, instead of waiting for ever.</summary>
    private async Task AnswerLostAsync(HttpContext context, ClientSession session, string requestId)
    {
        var json = Encoding.UTF8.GetBytes(requestId);
        var stream = session.Streams.Open(StreamKind.Call, json);
        stream.Finish(Encoding.UTF8.GetBytes(AnswerLost(requestId)));
        await new StreamConnection(context, stream, hub).RunAsync();
    }

    private static string AnswerLost(string requestId)
    {
        using var message = new MessageBuffer(512);
        new RpcError(RpcErrorCode.OutcomeUnknown, "Outcome unknown: the answer is not kept any more, or was lost with its gateway. The call may have run; check before you repeat it.").WriteTo(message, Encoding.UTF8.GetBytes(requestId));
        return Encoding.UTF8.GetString(message.Span);
    }

    /// <summary>The session that a request names, if it may; else the request has been refused.</summary>
    private async Task<ClientSession?> FindAsync(HttpContext context, string? scope, ReadOnlyMemory<byte> messageId = default, ServerOperation? operation = null)
    {
        var id = context.Request.Headers[McpHeader.SessionId].ToString();
        if (id.Length == 0)
        {
            await Refusal.WriteAsync(context, StatusCodes.Status400BadRequest, RpcErrorCode.InvalidRequest,
                $"The header {McpHeader.SessionId} is missing. Send initialize first, or speak revision {McpVersion.Modern}.", messageId, operation);
            return null;
        }

        if (await sessions.FindAsync(id, scope, context.RequestAborted) is not { } session)
        {
            if (sessions.MayBeStored(id))
            {
                context.Response.Headers.RetryAfter = "1";
                await Refusal.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, RpcErrorCode.InternalError, "The session is not known here, and the store of sessions does not answer. Try again.", messageId, operation);
                return null;
            }

            await Refusal.WriteAsync(context, StatusCodes.Status404NotFound, RpcErrorCode.InvalidRequest, "There is no such session (any more). Send initialize again.", messageId, operation);
            return null;
        }

        // A session knows its version; the header, which came with 2025-06-18, must only not contradict what is spoken here.
        if (context.Request.Headers[McpHeader.ProtocolVersion].ToString() is { Length: > 0 } version && !McpVersion.IsLegacy(version))
        {
            await Refusal.WriteAsync(context, StatusCodes.Status400BadRequest, RpcErrorCode.InvalidRequest,
                $"The header {McpHeader.ProtocolVersion} is '{version}'; this session speaks {session.Introduction.Version}.", messageId, operation);
            return null;
        }

        return session;
    }

    /// <summary>2026-07-28 has neither sessions nor a stream to GET.</summary>
    private static void RefuseMethod(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
        context.Response.Headers.Allow = "POST";
    }
}
