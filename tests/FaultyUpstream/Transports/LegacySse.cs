using System.Text.Json.Nodes;
using FaultyUpstream.Faults;
using FaultyUpstream.Protocol;
using FaultyUpstream.Server;
using FaultyUpstream.Sessions;

namespace FaultyUpstream.Transports;

/// <summary>HTTP+SSE of 2024-11-05: <c>GET /sse</c> opens a session and its stream, <c>POST /message?sessionId=…</c> brings the messages.</summary>
internal sealed class LegacySse(FaultyServer server)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/sse", GetAsync);
        routes.MapPost("/message", PostAsync);
    }

    private async Task GetAsync(HttpContext context)
    {
        var arrival = new Arrival(UpstreamTransport.Sse, Methods.Get, null, context.Connection.Id, null);
        server.Counters.Arrived(arrival);
        if (await server.MisbehavesAsync(arrival, new HttpExchange(context, server, null))) return;
        var session = new ServerSession(UpstreamTransport.Sse);
        session.Outbox.TryAttach();
        server.Sessions.Add(session);
        try
        {
            await StreamAsync(context, session);
        }
        finally
        {
            server.Sessions.End(session, SessionEnd.Disconnected);
        }

        if (session.DiedHard) context.Abort();
    }

    private static async Task StreamAsync(HttpContext context, ServerSession session)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, session.Ended);
        EventStream.Start(context.Response);
        await EventStream.WriteAsync(context.Response, EventStream.Event($"/message?sessionId={session.Id}", "endpoint"));
        await foreach (var message in session.Outbox.ReadAllAsync(either.Token))
        {
            var text = EventStream.Event(message.Text, "message");
            await EventStream.WriteAsync(context.Response, message.Half ? text[..(text.Length / 2)] : text);
            if (message.Half) return;
        }
    }

    private async Task PostAsync(HttpContext context)
    {
        RpcMessage message;
        try
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body, context.RequestAborted);
            message = RpcMessage.Parse(body.ToArray());
        }
        catch (RpcException error)
        {
            await new HttpExchange(context, server, null).AnswerAsync(error.Answer(null), StatusCodes.Status400BadRequest, inStream: false);
            return;
        }

        var id = context.Request.Query["sessionId"].ToString();
        var session = server.Sessions.Find(id);
        var arrival = new Arrival(UpstreamTransport.Sse, message.Method ?? Methods.Answer, id, context.Connection.Id, message) { IsKnownMethod = server.Knows(message.Method) };
        var exchange = new SseExchange(context, server, session);
        // Without a stream there is nowhere to answer but here, so not even initialize opens a session.
        var received = session is null ? RefuseAsync(arrival, exchange) : server.ReceiveAsync(arrival, session, exchange);
        if (await Task.WhenAny(received, exchange.Acknowledged) == received) await received;
        if (!exchange.Acknowledged.IsCompleted) return;
        context.Response.StatusCode = StatusCodes.Status202Accepted;
        await context.Response.WriteAsync("Accepted");
    }
    private async Task RefuseAsync(Arrival arrival, SseExchange exchange)
    {
        server.Counters.Arrived(arrival);
        try
        {
            await exchange.PerformAsync(server.UnknownSession(UpstreamTransport.Sse), server.ToUnknownSession, arrival.Message, Task.FromResult<JsonObject?>(null));
        }
        finally
        {
            server.Counters.Left(arrival);
        }
    }
}
