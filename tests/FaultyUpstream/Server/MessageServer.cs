using System.Text.Json.Nodes;
using FaultyUpstream.Faults;
using FaultyUpstream.Protocol;
using FaultyUpstream.Sessions;
using FaultyUpstream.Tools;

namespace FaultyUpstream.Server;

/// <summary>The well-behaved server: what each message of either era deserves.</summary>
internal sealed class MessageServer(FaultyServer server)
{
    private static readonly string[] s_methods =
        [Methods.Initialize, Methods.Discover, Methods.Listen, Methods.Ping, Methods.ToolsList, Methods.ToolsCall];

    private readonly Lock _opening = new();

    public static bool Knows(string? method) => s_methods.Contains(method);

    public async Task<Reply> ReplyAsync(Arrival arrival, ServerSession? session, Exchange exchange, Func<JsonObject, Task> notify)
    {
        var message = arrival.Message!;
        try
        {
            if (message.EnvelopeVersion is not null && server.Era != UpstreamEra.Legacy) return await new ModernServer(server).ReplyAsync(message, session, exchange, notify);
            if (server.Era == UpstreamEra.Modern && message.IsRequest) return ModernServer.RefuseLegacy(message);
            return await ReplyInSessionAsync(arrival, session, exchange, notify);
        }
        catch (RpcException error)
        {
            return new Reply.Answer(error.Answer(message.Id));
        }
    }

    private async Task<Reply> ReplyInSessionAsync(Arrival arrival, ServerSession? session, Exchange exchange, Func<JsonObject, Task> notify)
    {
        var message = arrival.Message!;
        if (message.Method == Methods.Initialize && message.IsRequest) return Initialize(arrival, session, exchange);
        if (session is null) return new Reply.Refusal(Unknown(arrival));
        if (message.Method is null) return new Reply.Taken();
        if (!message.IsRequest) return TakeNotification(message, session);
        session.CountRequest();
        if (message.Method == Methods.Ping) return new Reply.Answer(Rpc.Result(message.Id, []));
        if (message.Method is not (Methods.ToolsList or Methods.ToolsCall)) throw new RpcException(RpcCode.MethodNotFound, $"Method not found: {message.Method}");
        if (!session.IsReady) return new Reply.Refusal(NotReady(arrival.Transport));
        return await RunAsync(server, message, session, [], cancellationToken => ExecuteAsync(server, message, session.Counter, notify, cancellationToken));
    }

    /// <summary>Runs a request so that the end of its session, and whatever names its id, can stop it.</summary>
    public static async Task<Reply> RunAsync(
        FaultyServer server, RpcMessage message, ServerSession session, CancellationToken[] also, Func<CancellationToken, Task<JsonObject>> execute)
    {
        var call = session.BeginCall(message.IdText, also);
        var isTool = message.Method == Methods.ToolsCall;
        if (isTool) server.Counters.CallBegan();
        try
        {
            return new Reply.Answer(Rpc.Result(message.Id, await execute(call.Token)));
        }
        catch (OperationCanceledException)
        {
            return new Reply.Cancelled();
        }
        finally
        {
            session.EndCall(message.IdText);
            if (isTool) server.Counters.CallEnded();
        }
    }

    /// <summary>Lists or calls tools.</summary>
    public static async Task<JsonObject> ExecuteAsync(FaultyServer server, RpcMessage message, SessionCounter counter, Func<JsonObject, Task> notify, CancellationToken cancellationToken)
    {
        if (message.Method == Methods.ToolsList) return new JsonObject { ["tools"] = server.Tools.Describe() };
        var tool = server.Tools.Find(message.ToolName ?? "") ?? throw new RpcException(RpcCode.InvalidParams, $"Unknown tool: {message.ToolName}");
        return await tool.CallAsync(new ToolCall(message, counter, server, notify), cancellationToken);
    }

    private FaultAct Unknown(Arrival arrival) => arrival.SessionId is null
        ? FaultAct.Status.Rpc(400, RpcCode.Refused, "Bad Request: Mcp-Session-Id header is required")
        : server.UnknownSession(arrival.Transport);

    /// <summary>A session of stdio that was dropped is the same process, asked too early.</summary>
    private FaultAct NotReady(UpstreamTransport transport) =>
        transport == UpstreamTransport.Stdio ? server.UnknownSession(transport) : FaultTable.Cell(FaultKind.BeforeInitialization, transport)[0];

    private Reply Initialize(Arrival arrival, ServerSession? session, Exchange exchange)
    {
        var message = arrival.Message!;
        session ??= new ServerSession(arrival.Transport);
        // Looked at and opened under one lock: of two that come at once to a server of one session, one is refused.
        lock (_opening)
        {
            if (session.Version is null && server.Faults.TakeSessionLimit(arrival, server.Sessions.Open) is { } limit)
            {
                server.Counters.Fired(limit.Kind);
                return new Reply.Refusal(FaultTable.Find(limit, arrival.Transport)!);
            }

            if (session.Version is null) server.Sessions.CountOpened();
            session.Version = Revision.Negotiate(RpcMessage.TextOf(message.Params["protocolVersion"]));
            session.ClientName = RpcMessage.TextOf((message.Params["clientInfo"] as JsonObject)?["name"]);
            server.Sessions.Add(session);
        }

        server.Counters.ShookHands();
        exchange.Opened(session);
        return new Reply.Answer(Rpc.Result(message.Id, new JsonObject
        {
            ["protocolVersion"] = session.Version,
            ["capabilities"] = Identity.Capabilities(),
            ["serverInfo"] = Identity.Server(),
        }));
    }

    private Reply.Taken TakeNotification(RpcMessage message, ServerSession session)
    {
        if (message.Method == Methods.Initialized) session.IsReady = session.Version is not null;
        if (message.Method == Methods.Cancelled && message.Params["requestId"] is { } id)
            server.Counters.Cancelled(session.Id, id, RpcMessage.TextOf(message.Params["reason"]), session.CancelCall(id.ToJsonString()));
        return new Reply.Taken();
    }
}
