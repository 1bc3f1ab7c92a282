using ConformanceUpstream.Legacy;

namespace ConformanceUpstream.Transports;

/// <summary>HTTP+SSE of 2024-11-05: everything to the client on one stream, everything from it by POST. The session ends with the stream.</summary>
internal sealed class HttpSse(LegacyServer server)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/sse", StreamAsync);
        routes.MapPost("/message", PostAsync);
    }

    private async Task StreamAsync(HttpContext context)
    {
        var session = server.Open();
        var answer = new HttpAnswer(context);
        try
        {
            await answer.StreamAsync($"/message?sessionId={session.Id}", name: "endpoint");
            await foreach (var (_, data) in session.Outside.ReadAsync(0, comesBack: false, context.RequestAborted)) await answer.StreamAsync(data, name: "message");
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client left.
        }
        finally
        {
            server.End(session);
        }
    }

    private async Task PostAsync(HttpContext context)
    {
        var answer = new HttpAnswer(context);
        if (server.Find(context.Request.Query["sessionId"]) is not { } session)
        {
            await answer.RefuseAsync(StatusCodes.Status404NotFound, RpcCode.SessionNotFound, "Session not found");
        }
        else if (await answer.ReadBodyAsync() is { } message)
        {
            SharedStream.Receive(server, session, message);
            context.Response.StatusCode = StatusCodes.Status202Accepted;
        }
    }
}
