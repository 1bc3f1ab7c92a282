using static FaultyUpstream.Faults.FaultAct;

namespace FaultyUpstream.Faults;

/// <summary>
/// The fault on each transport: what is sent, in one or more variants, or why it does not exist there. On stdio the session is the process, so
/// whatever a server says with an HTTP status has no counterpart; JSON-RPC errors have, sent by servers that are themselves proxies.
/// </summary>
internal static class FaultTable
{
    private static readonly Absent s_noStatus = new("stdio has no HTTP status, and its session is the process itself");
    private static readonly Absent s_noHeader = new("HTTP+SSE names the session in the query of /message, so nobody sends this header");
    private static readonly Absent s_noRmcp = new("the server that says this (rmcp) says it on Streamable HTTP, where a first POST must be initialize; on HTTP+SSE the GET is first");
    private static readonly Absent s_noResume = new("only Streamable HTTP can resume a single answer");
    private static readonly Absent s_noReplicas = new("one process on one pipe has no other replica");

    private static readonly Dictionary<FaultKind, Row> s_rows = new()
    {
        [FaultKind.NoValidSession] = OnPost(Status.Rpc(400, -32000, "No valid session. Send an initialize request first.")),
        [FaultKind.UnknownSessionHeader] = new([Status.Rpc(400, -32000, "Unknown Mcp-Session-Id header")], [s_noHeader], [s_noStatus]),
        [FaultKind.SessionNotFoundBadRequest] = OnPost(Status.Rpc(400, -32600, "Session not found"), Status.Rpc(400, -32600, "No valid session ID provided")),
        [FaultKind.SessionNotFound] = OnPost(Status.Rpc(404, -32001, "Session not found")),
        [FaultKind.SessionNotFoundInvalidRequest] = OnPost(Status.Rpc(404, -32600, "Session not found")),
        [FaultKind.BareNotFound] = OnPost(new Status(404, "text/plain", "Invalid session ID\n"), new Status(404)),
        [FaultKind.ExpectInitialize] = new([new Status(422, "text/plain", "expect initialize request")], [s_noRmcp], [s_noStatus]),
        [FaultKind.SessionUnavailable] = OnPost(Status.Rpc(503, -32001, "Session not found")),
        [FaultKind.ErrorInStream] = Everywhere(new Error(-32001, "Session not found", InStream: true)),
        [FaultKind.EmptySuccess] = Everywhere(new Empty()),
        [FaultKind.BeforeInitialization] = Everywhere(
            new Error(-32602, "Received request before initialization was complete"), new Error(-32602, "Invalid request parameters")),
        [FaultKind.AlreadyInitialized] = AlreadyInitialized(),
        [FaultKind.ReplicaRoulette] = new(
            [Status.Rpc(400, -32000, "Bad Request: No valid session ID provided")],
            [new Status(400, "text/plain", "No transport found for sessionId")],
            [s_noReplicas]),
        [FaultKind.RateLimited] = OnPost(new Status(429, "text/plain", "Too Many Requests"), Status.Rpc(429, -32000, "Too many requests")),
        [FaultKind.SessionTerminated] = Everywhere(new Error(32600, "Session terminated"), new Error(32600, "Session terminated", InStream: true)),
        [FaultKind.NotConnected] = Everywhere(new Error(-32603, "Not connected"), new Error(-32603, "Not connected", InStream: true)),

        [FaultKind.Slow] = Everywhere(new Late()),
        [FaultKind.Hang] = new([new Silence()], [new Silence(), new Silence(OfPost: true)], [new Silence()]),
        [FaultKind.BadRequest] = OnPost(Status.Rpc(400, -32000, "Bad Request: Server not initialized")),
        [FaultKind.Cut] = Everywhere(new Fragment(InStream: true), new Fragment(InStream: false)),
        [FaultKind.CloseStream] = new([new Resumable()], [s_noResume], [s_noResume]),
        [FaultKind.Crash] = Everywhere(new Death()),
        [FaultKind.OneSession] = AlreadyInitialized(),
        [FaultKind.Accepted] = new([new Status(202)], [new Absent("HTTP+SSE answers every POST with 202: a server that then sends nothing hangs")], [s_noStatus]),
        [FaultKind.Html] = OnPost(new Status(200, "text/html", Page), new Status(502, "text/html", Page)),
        [FaultKind.Redirect] = OnPost(new Status(307)),
        [FaultKind.Unauthorized] = OnPost(new Status(401, "application/json", """{"error":"invalid_token"}""")),
        [FaultKind.Forbidden] = OnPost(new Status(403, "application/json", """{"error":"insufficient_scope"}""")),
        [FaultKind.LenientUnknown] = Everywhere(new Empty()),
    };

    private const string Page = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>";

    /// <summary>All variants of a cell.</summary>
    public static IReadOnlyList<FaultAct> Cell(FaultKind kind, UpstreamTransport transport) => transport switch
    {
        UpstreamTransport.StreamableHttp => s_rows[kind].Http,
        UpstreamTransport.Sse => s_rows[kind].Sse,
        _ => s_rows[kind].Stdio,
    };

    /// <summary>What a fault sends on a transport; null when there is no such variant.</summary>
    public static FaultAct? Find(Fault fault, UpstreamTransport transport)
    {
        var cell = Cell(fault.Kind, transport);
        return cell is [Absent absent] ? absent : cell.ElementAtOrDefault(fault.Variant - 1);
    }

    private static Row OnPost(params FaultAct[] acts) => new(acts, acts, [s_noStatus]);

    private static Row Everywhere(params FaultAct[] acts) => new(acts, acts, acts);

    private static Row AlreadyInitialized()
    {
        const string Said = "Invalid Request: Server already initialized";
        Error[] answer = [new(-32600, Said)];
        return new([Status.Rpc(400, -32600, Said), .. answer], answer, answer);
    }

    private sealed record Row(IReadOnlyList<FaultAct> Http, IReadOnlyList<FaultAct> Sse, IReadOnlyList<FaultAct> Stdio);
}
