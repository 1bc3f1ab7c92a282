using System.Text.RegularExpressions;
using McpGateway.Sessions;
using static McpGateway.Upstreams.Links.FailureTransports;

namespace McpGateway.Upstreams.Links;

/// <summary>What came back that may not be the answer it should be, before anybody says what it means.</summary>
/// <param name="Transport">How the request went out.</param>
/// <param name="HeldSession">True when the request went out in a session: an id, an open stream, a process.</param>
/// <param name="Status">HTTP status of a response that is no answer; null for a JSON-RPC answer, and so always null on stdio.</param>
/// <param name="Code">Code of a JSON-RPC error answer; 0 for none.</param>
/// <param name="Text">The body, or the error's message.</param>
/// <param name="ToInitialize">True for what answers <c>initialize</c>.</param>
/// <param name="IsEmptyResult">True for a successful <c>tools/call</c> that holds nothing.</param>
internal readonly record struct FailureSign(UpstreamTransport Transport, bool HeldSession, int? Status = null, int Code = 0, string Text = "", bool ToInitialize = false, bool IsEmptyResult = false);

/// <summary>Transports on which a row of <see cref="FailureTable"/> exists.</summary>
[Flags]
internal enum FailureTransports
{
    Http = 1,
    Sse = 2,
    Stdio = 4,

    /// <summary>Where a POST has a status of its own.</summary>
    Posts = Http | Sse,
    All = Http | Sse | Stdio,
}

/// <summary>One row of <see cref="FailureTable"/>.</summary>
/// <param name="Name">For people; the guide's table has the same rows under the same names.</param>
/// <param name="On">Where it exists. Elsewhere it does not match, whatever the sign.</param>
/// <param name="Kind">What it means; null for an ordinary answer that passes through as it is.</param>
/// <param name="Matches">How it is recognised.</param>
internal sealed record FailureShape(string Name, FailureTransports On, FailureKind? Kind, Func<FailureSign, bool> Matches)
{
    /// <summary>True when only a probe of the session can tell: it lives, and this is an ordinary answer; or it is gone, and <see cref="Kind"/> holds.</summary>
    public bool NeedsProbe { get; init; }

    /// <summary>True when another replica of the upstream may hold the session, so that the same request may pass the next time.</summary>
    public bool MayBeReplica { get; init; }

    /// <summary>How long to wait before the call is repeated.</summary>
    public TimeSpan? Pause { get; init; }
}

/// <summary>
/// Every shape in which upstreams say that a session is lost, and what only looks like it. The first row that matches holds.
/// Codes -32000…-32019 mean nothing alone; what decides is the status, whether a session was held, and whole phrases.
/// A call counts as not run (<see cref="FailureKind.SessionLost"/>) only on the word of what stands before the tools: an HTTP status, or
/// the protocol's own "not initialized yet" under a code that JSON-RPC 2.0 keeps for requests that were not taken (-32600, -32602).
/// "Session not found" inside an answer may be a tool's word, spoken after it ran: even where a probe finds the session gone, nothing
/// shows that it was gone before, so the outcome is unknown.
/// </summary>
internal static partial class FailureTable
{
    /// <summary>An empty result may carry a little <c>_meta</c>; what is longer is not searched, for speed.</summary>
    private const int LongestEmptyResult = 512;

    /// <summary>Parts of messages by which a server refuses a session it does not know. "Session" alone is not among them: tools have sessions too.</summary>
    private static readonly string[] s_sessionPhrases =
    [
        "session not found", "session does not exist", "session expired", "session has expired", "session terminated", "session not initialized", "server not initialized",
        "no such session", "no session", "no active session", "unknown session", "invalid session", "valid session", "session id", "sessionid", "session-id",
        "initialize request", "before initialization", "not been initialized",
    ];

    /// <summary>The rows, the first that matches being the one that holds.</summary>
    public static IReadOnlyList<FailureShape> Rows => s_rows;

    private static readonly FailureShape[] s_rows =
    [
        // HTTP responses that are no answer.
        new("credential refused", Posts, FailureKind.Unauthorized, sign => sign.Status is 401 or 403),
        new("too many requests", Posts, FailureKind.Throttled, sign => sign.Status is 429),
        new("404 in a session", Posts, FailureKind.SessionLost, sign => sign is { Status: 404, HeldSession: true }),
        new("400 that speaks of the session", Posts, FailureKind.SessionLost, sign => sign is { Status: 400, HeldSession: true } && SpeaksOfSession(sign.Text)) { MayBeReplica = true },
        new("422 or 503 that speaks of the session", Posts, FailureKind.SessionLost, sign => sign is { Status: 422 or 503, HeldSession: true } && SpeaksOfSession(sign.Text)),
        new("503 otherwise", Posts, FailureKind.Throttled, sign => sign.Status is 503),
        new("any other status without an answer", Posts, FailureKind.NotMcp, sign => sign.Status is not null),

        // JSON-RPC errors, with status 200, on a stream or on a pipe.
        new("one session only", All, FailureKind.OneSession, sign => sign.ToInitialize && Says(sign, "already initialized")),
        new("initialize refused", All, FailureKind.NotMcp, sign => sign.ToInitialize),
        new("asked before the handshake was complete", All, FailureKind.SessionLost, sign => sign is { HeldSession: true, Code: -32600 or -32602 } && Says(sign, "before initialization was complete")) { Pause = TimeSpan.FromMilliseconds(100) },
        // What the Python SDK makes of the same, and also of parameters that really are wrong. Either way it has dispatched nothing.
        new("parameters refused unread", All, FailureKind.SessionLost, sign => sign is { HeldSession: true, Code: -32602 } && Bare(sign.Text) == "invalid request parameters") { NeedsProbe = true },
        new("a proxy whose own server died", All, FailureKind.OutcomeUnknown, sign => sign is { HeldSession: true, Code: -32603 } && Bare(sign.Text) == "not connected"),
        new("an error that mentions a session", All, FailureKind.OutcomeUnknown, sign => sign.HeldSession && sign.Code != 0 && SpeaksOfSession(sign.Text)) { NeedsProbe = true },

        // Results.
        new("empty success", All, FailureKind.OutcomeUnknown, sign => sign is { HeldSession: true, IsEmptyResult: true }) { NeedsProbe = true },
        new("an ordinary answer", All, null, _ => true),
    ];

    /// <summary>The row that a sign belongs to.</summary>
    public static FailureShape Find(FailureSign sign)
    {
        var transport = Of(sign.Transport);
        return Array.Find(s_rows, row => row.On.HasFlag(transport) && row.Matches(sign))!;
    }

    /// <summary>True when a result of <c>tools/call</c> holds nothing: no content, no structured content, no error.</summary>
    public static bool IsEmpty(ReadOnlySpan<byte> result)
    {
        if (result.Length > LongestEmptyResult || result.IndexOf("\"structuredContent\""u8) >= 0 || (result.IndexOf("\"isError\""u8) >= 0 && result.IndexOf("true"u8) >= 0)) return false;
        var at = result.IndexOf("\"content\""u8);
        if (at < 0) return true;
        var rest = Skip(Skip(result[(at + 9)..], (byte)':'), (byte)'[');
        return rest.Length > 0 && rest[0] == ']';
    }

    private static ReadOnlySpan<byte> Skip(ReadOnlySpan<byte> text, byte expected)
    {
        text = text.TrimStart(" \t\r\n"u8);
        return text.Length > 0 && text[0] == expected ? text[1..].TrimStart(" \t\r\n"u8) : default;
    }

    private static FailureTransports Of(UpstreamTransport transport) => transport switch
    {
        UpstreamTransport.Stdio => FailureTransports.Stdio,
        UpstreamTransport.Sse => FailureTransports.Sse,
        _ => FailureTransports.Http,
    };

    private static bool Says(FailureSign sign, string words) => sign.Code != 0 && sign.Text.Contains(words, StringComparison.OrdinalIgnoreCase);

    private static bool SpeaksOfSession(string text) => Array.Exists(s_sessionPhrases, phrase => text.Contains(phrase, StringComparison.OrdinalIgnoreCase));

    /// <summary>A message without what servers and proxies put before it, in lower case.</summary>
    private static string Bare(string text) => Prefix().Replace(text, "").Trim().TrimEnd('.', '!').ToLowerInvariant();

    [GeneratedRegex(@"^\s*((MCP error -?\d+|Bad Request|Not Found|Invalid Request|Error):\s*)+", RegexOptions.IgnoreCase)]
    private static partial Regex Prefix();
}
