namespace FaultyUpstream.Faults;

/// <summary>
/// The ways to misbehave. The first sixteen are how real servers say that a session is lost or not ready; what each sends on each transport is
/// in <see cref="FaultTable"/>. On the control endpoint the names are in snake_case.
/// </summary>
public enum FaultKind
{
    /// <summary>400, -32000 "No valid session. Send an initialize request first."</summary>
    NoValidSession,

    /// <summary>400, -32000 "Unknown Mcp-Session-Id header".</summary>
    UnknownSessionHeader,

    /// <summary>400, -32600 "Session not found"; variant 2 "No valid session ID provided".</summary>
    SessionNotFoundBadRequest,

    /// <summary>404, -32001 "Session not found": what the specification asks for.</summary>
    SessionNotFound,

    /// <summary>404, -32600.</summary>
    SessionNotFoundInvalidRequest,

    /// <summary>404 with a line of text and no JSON-RPC; variant 2 with no body at all.</summary>
    BareNotFound,

    /// <summary>422 "expect initialize request".</summary>
    ExpectInitialize,

    /// <summary>503, -32001.</summary>
    SessionUnavailable,

    /// <summary>200 with a JSON-RPC error as an event of a stream.</summary>
    ErrorInStream,

    /// <summary>200 with a success that holds nothing: the call never ran.</summary>
    EmptySuccess,

    /// <summary>"Received request before initialization was complete": a request overtook the handshake; variant 2 is the same as -32602 "Invalid request parameters".</summary>
    BeforeInitialization,

    /// <summary>-32600 "Server already initialized", to <c>initialize</c>.</summary>
    AlreadyInitialized,

    /// <summary>400 to some requests, as when they reach a replica that does not hold the session. 13 of 20 unless <see cref="Fault.Hits"/> and <see cref="Fault.Of"/> say otherwise.</summary>
    ReplicaRoulette,

    /// <summary>429 with <c>Retry-After</c>.</summary>
    RateLimited,

    /// <summary>The error "Session terminated" (32600, positive), as relayed by a proxy that wraps a client library.</summary>
    SessionTerminated,

    /// <summary>-32603 "Not connected": a proxy whose own server died.</summary>
    NotConnected,

    /// <summary>Waits <see cref="Fault.DelayMs"/> and then behaves. With <see cref="Fault.Methods"/> <c>initialize</c>: a slow handshake.</summary>
    Slow,

    /// <summary>Never answers; variant 2 on HTTP+SSE: not even the POST is. With <see cref="Fault.Methods"/> <c>ping</c>: a server that ignores pings.</summary>
    Hang,

    /// <summary>400, -32000 "Bad Request: Server not initialized". With <see cref="Fault.Connections"/>: to whatever comes on the first N connections.</summary>
    BadRequest,

    /// <summary>Executes, sends half of the answer and breaks off: a stream (after an event id if <see cref="Fault.EventId"/>), variant 2 a JSON body. A stdio process exits.</summary>
    Cut,

    /// <summary>Executes, ends the stream in good order after an event id and <c>retry</c>; the answer is fetched by GET with <c>Last-Event-ID</c>.</summary>
    CloseStream,

    /// <summary>Executes and dies without an answer: the connection is reset, a stdio process exits. With <see cref="Fault.Executes"/> false: dies at once, like a server that is down.</summary>
    Crash,

    /// <summary>Refuses <c>initialize</c> like <see cref="AlreadyInitialized"/> while a session is open.</summary>
    OneSession,

    /// <summary>202 to a request, as if it were a notification.</summary>
    Accepted,

    /// <summary>200 with an HTML page; variant 2 with status 502.</summary>
    Html,

    /// <summary>307 to <see cref="Fault.Location"/>.</summary>
    Redirect,

    /// <summary>401 with <c>WWW-Authenticate</c>.</summary>
    Unauthorized,

    /// <summary>403.</summary>
    Forbidden,

    /// <summary>Success with <c>{}</c> to methods the server does not know, instead of -32601.</summary>
    LenientUnknown,
}
