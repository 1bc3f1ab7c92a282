namespace FaultyUpstream;

/// <summary>The revisions a server speaks.</summary>
public enum UpstreamEra
{
    /// <summary>2024-11-05 to 2025-11-25: a handshake, then requests in a session.</summary>
    Legacy,

    /// <summary>2026-07-28: every request stands alone.</summary>
    Modern,

    /// <summary>Either, as the request says.</summary>
    Both,
}

/// <summary>How a client reached the server.</summary>
public enum UpstreamTransport
{
    /// <summary>One POST per message, at <c>/mcp</c>.</summary>
    StreamableHttp,

    /// <summary>HTTP+SSE of 2024-11-05: <c>/sse</c> and <c>/message</c>.</summary>
    Sse,

    /// <summary>One message per line on standard input and output.</summary>
    Stdio,
}

/// <summary>How an answer goes out over Streamable HTTP when nothing precedes it; with a notification before it, it is always a stream.</summary>
public enum AnswerForm
{
    /// <summary><c>application/json</c>.</summary>
    Json,

    /// <summary><c>text/event-stream</c>.</summary>
    Stream,
}
