using FaultyUpstream.Faults;
using FaultyUpstream.Protocol;
using FaultyUpstream.Server;
using FaultyUpstream.Sessions;

namespace FaultyUpstream.Transports;

/// <summary><c>/mcp</c>: a POST per message, a GET stream per session, DELETE.</summary>
internal sealed class StreamableHttp(FaultyServer server)
{
    private const string VersionHeader = "MCP-Protocol-Version";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/mcp", PostAsync);
        routes.MapGet("/mcp", GetAsync);
        routes.MapDelete("/mcp", DeleteAsync);
    }

    private async Task PostAsync(HttpContext context)
    {
        if (Refusal(context.Request) is { } refusal)
        {
            await new HttpExchange(context, server, null).RefuseAsync(refusal, Plain);
            return;
        }

        RpcMessage message;
        try
        {
            message = RpcMessage.Parse(await BodyAsync(context));
        }
        catch (RpcException error)
        {
            await new HttpExchange(context, server, null).AnswerAsync(error.Answer(null), StatusCodes.Status400BadRequest, inStream: false);
            return;
        }

        var arrival = Arrive(context, message.Method ?? Methods.Answer, message);
        var session = server.Sessions.Find(arrival.SessionId);
        var exchange = new HttpExchange(context, server, session);
        if (WrongHeaders(context.Request, message, session) is { } wrong) await exchange.AnswerAsync(wrong.Answer(message.Id), StatusCodes.Status400BadRequest, inStream: false);
        // A second initialize opens another session rather than going through an old one.
        else await server.ReceiveAsync(arrival, message.Method == Methods.Initialize ? null : session, exchange);
    }

    private async Task GetAsync(HttpContext context)
    {
        var arrival = Arrive(context, Methods.Get, null);
        server.Counters.Arrived(arrival);
        var session = server.Sessions.Find(arrival.SessionId);
        var exchange = new HttpExchange(context, server, session);
        if (await server.MisbehavesAsync(arrival, exchange)) return;
        if (session is null) await RefuseUnknownAsync(arrival, exchange);
        else if (context.Request.Headers["Last-Event-ID"].ToString() is { Length: > 0 } id) await ResumeAsync(context, session, id, exchange);
        else if (!session.Outbox.TryAttach()) await exchange.RefuseAsync(FaultAct.Status.Rpc(409, RpcCode.Refused, "Conflict: Only one SSE stream is allowed per session"), Plain);
        else await StreamAsync(context, session);
    }

    private async Task DeleteAsync(HttpContext context)
    {
        var arrival = Arrive(context, Methods.Delete, null);
        server.Counters.Arrived(arrival);
        var session = server.Sessions.Find(arrival.SessionId);
        var exchange = new HttpExchange(context, server, session);
        if (await server.MisbehavesAsync(arrival, exchange)) return;
        if (session is null || !server.Sessions.End(session, SessionEnd.Deleted)) await RefuseUnknownAsync(arrival, exchange);
    }

    private static async Task ResumeAsync(HttpContext context, ServerSession session, string id, HttpExchange exchange)
    {
        if (!session.Resumable.TryRemove(id, out var answer))
        {
            await exchange.RefuseAsync(FaultAct.Status.Rpc(400, RpcCode.Refused, $"Unknown Last-Event-ID: {id}"), Plain);
            return;
        }

        EventStream.Start(context.Response);
        await context.Response.Body.FlushAsync();
        if (await answer is { } message) await EventStream.WriteAsync(context.Response, EventStream.Event(message.ToJsonString(), "message", id: $"{id}-2"));
    }

    private static async Task StreamAsync(HttpContext context, ServerSession session)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, session.Ended);
        try
        {
            EventStream.Start(context.Response);
            await context.Response.Body.FlushAsync(either.Token);
            await foreach (var message in session.Outbox.ReadAllAsync(either.Token))
                await EventStream.WriteAsync(context.Response, EventStream.Event(message.Text, "message"));
        }
        finally
        {
            session.Outbox.Detach();
        }

        if (session.DiedHard) context.Abort();
    }

    private Task RefuseUnknownAsync(Arrival arrival, HttpExchange exchange) =>
        exchange.RefuseAsync(
            arrival.SessionId is null
                ? FaultAct.Status.Rpc(400, RpcCode.Refused, "Bad Request: Mcp-Session-Id header is required")
                : server.UnknownSession(arrival.Transport) as FaultAct.Status ?? FaultAct.Status.Rpc(404, RpcCode.SessionNotFound, "Session not found"),
            Plain);

    private Arrival Arrive(HttpContext context, string label, RpcMessage? message)
    {
        var session = context.Request.Headers[HttpExchange.SessionHeader].ToString();
        return new Arrival(UpstreamTransport.StreamableHttp, label, session.Length == 0 ? null : session, context.Connection.Id, message)
        {
            IsKnownMethod = message is null || server.Knows(message.Method),
        };
    }

    /// <summary>What the transport asks of a POST before its body is read.</summary>
    private static FaultAct.Status? Refusal(HttpRequest request)
    {
        var accepts = request.Headers.Accept.ToString();
        if (!accepts.Contains("application/json", StringComparison.OrdinalIgnoreCase) || !accepts.Contains(EventStream.ContentType, StringComparison.OrdinalIgnoreCase))
            return FaultAct.Status.Rpc(406, RpcCode.Refused, "Not Acceptable: Client must accept both application/json and text/event-stream");
        return request.HasJsonContentType() ? null : FaultAct.Status.Rpc(415, RpcCode.Refused, "Unsupported Media Type: Content-Type must be application/json");
    }

    /// <summary>Headers that contradict the body or the session.</summary>
    private RpcException? WrongHeaders(HttpRequest request, RpcMessage message, ServerSession? session)
    {
        var version = request.Headers[VersionHeader].ToString();
        if (message.EnvelopeVersion is { } envelope && server.Era != UpstreamEra.Legacy && message.IsRequest)
        {
            return Mismatch(request, VersionHeader, envelope) ?? Mismatch(request, "Mcp-Method", message.Method!)
                ?? (message.ToolName is { } tool ? Mismatch(request, "Mcp-Name", tool) : null);
        }

        return session is not null && version.Length > 0 && version != session.Version
            ? new RpcException(RpcCode.Refused, $"Bad Request: Unsupported protocol version: {version} (this session speaks {session.Version})")
            : null;
    }

    private static RpcException? Mismatch(HttpRequest request, string header, string expected)
    {
        var value = request.Headers[header].ToString();
        return value == expected ? null : new RpcException(RpcCode.HeaderMismatch, $"Header mismatch: {header} is '{value}', the body says '{expected}'");
    }

    private static async Task<byte[]> BodyAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        return body.ToArray();
    }

    private static Fault Plain { get; } = new() { Kind = FaultKind.SessionNotFound };
}
