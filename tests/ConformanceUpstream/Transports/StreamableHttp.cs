using ConformanceUpstream.Legacy;
using ConformanceUpstream.Protocol;

namespace ConformanceUpstream.Transports;

/// <summary>
/// <c>/mcp</c> of 2025-03-26 to 2025-11-25: a POST per message, a GET stream per session, DELETE. A call goes on when its client loses the
/// connection, and the client reads the rest with <c>Last-Event-ID</c>.
/// </summary>
internal sealed class StreamableHttp(LegacyServer server)
{
    private const string SessionHeader = "Mcp-Session-Id";
    private const string VersionHeader = "MCP-Protocol-Version";

    /// <summary>How soon a client comes back for the rest of a stream, in milliseconds.</summary>
    private const int RetryMilliseconds = 200;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/mcp", PostAsync);
        routes.MapGet("/mcp", GetAsync);
        routes.MapDelete("/mcp", DeleteAsync);
    }

    private async Task PostAsync(HttpContext context)
    {
        var answer = new HttpAnswer(context);
        if (await answer.ReadAsync() is not { } message) return;
        if (message.Method == "initialize" && message.IsRequest) await InitializeAsync(context, answer, message);
        else if (await SessionAsync(context, answer, message) is not { } session) return;
        else if (message.IsRequest) await AnswerAsync(context, answer, session, message);
        else Accept(context, session, message);
    }

    private async Task InitializeAsync(HttpContext context, HttpAnswer answer, RpcMessage message)
    {
        var session = server.Open();
        context.Response.Headers[SessionHeader] = session.Id;
        await answer.EndAsync((await server.AnswerAsync(session, message, session.Outside))!);
    }

    private static void Accept(HttpContext context, LegacySession session, RpcMessage message)
    {
        LegacyServer.Take(session, message);
        context.Response.StatusCode = StatusCodes.Status202Accepted;
    }

    private async Task AnswerAsync(HttpContext context, HttpAnswer answer, LegacySession session, RpcMessage message)
    {
        // What cannot take long and has nothing to say meanwhile is answered with JSON, the rest with a stream: a client has to take both.
        if (message.Method is not ("tools/call" or "prompts/get"))
        {
            await answer.EndAsync((await server.AnswerAsync(session, message, session.Outside))!);
            return;
        }

        var (name, log) = session.OpenStream();
        _ = FinishAsync();
        if (Revision.PrimesStreams(session.Version!)) await answer.StreamAsync("", LegacySession.EventId(name, 0), RetryMilliseconds);
        await WriteAsync(context, answer, name, log, 0, comesBack: false);

        // Not awaited: the call outlives its response.
        async Task FinishAsync()
        {
            try
            {
                if (await server.AnswerAsync(session, message, log) is { } result) log.Append(result);
            }
            finally
            {
                log.Complete();
            }
        }
    }

    private async Task GetAsync(HttpContext context)
    {
        var answer = new HttpAnswer(context);
        if (await SessionAsync(context, answer, null) is not { } session) return;
        var lastEventId = context.Request.Headers["Last-Event-ID"].ToString();
        if (lastEventId.Length > 0)
        {
            if (session.FindStream(lastEventId) is { } found) await WriteAsync(context, answer, found.Name, found.Log, found.From, comesBack: true);
            else await answer.RefuseAsync(StatusCodes.Status400BadRequest, RpcCode.Refused, $"Unknown Last-Event-ID: {lastEventId}");
        }
        else if (session.Outside.TryAttach())
        {
            try
            {
                await WriteAsync(context, answer, LegacySession.OutsideName, session.Outside, session.Outside.Delivered, comesBack: true);
            }
            finally
            {
                session.Outside.Detach();
            }
        }
        else
        {
            await answer.RefuseAsync(StatusCodes.Status409Conflict, RpcCode.Refused, "Conflict: the session has its stream already.");
        }
    }

    private async Task DeleteAsync(HttpContext context)
    {
        if (await SessionAsync(context, new HttpAnswer(context), null) is { } session) server.End(session);
    }

    private static async Task WriteAsync(HttpContext context, HttpAnswer answer, string name, EventLog log, int from, bool comesBack)
    {
        try
        {
            await answer.OpenAsync();
            await foreach (var (place, data) in log.ReadAsync(from, comesBack, context.RequestAborted))
                await answer.StreamAsync(data, LegacySession.EventId(name, place), name: "message");
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client is gone; what it has not read stays in the log.
        }
    }

    private async Task<LegacySession?> SessionAsync(HttpContext context, HttpAnswer answer, RpcMessage? message)
    {
        var id = context.Request.Headers[SessionHeader].ToString();
        var version = context.Request.Headers[VersionHeader].ToString();
        if (id.Length == 0) await answer.RefuseAsync(StatusCodes.Status400BadRequest, RpcCode.Refused, "Bad Request: Server not initialized", message?.Id);
        else if (server.Find(id) is not { } session) await answer.RefuseAsync(StatusCodes.Status404NotFound, RpcCode.SessionNotFound, "Session not found", message?.Id);
        else if (version.Length > 0 && !Revision.IsLegacy(version)) await answer.RefuseAsync(StatusCodes.Status400BadRequest, RpcCode.Refused, $"Bad Request: Unsupported protocol version: {version}", message?.Id);
        else return session;
        return null;
    }
}
