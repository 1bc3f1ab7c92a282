namespace McpGateway.Sessions;

/// <summary>What went wrong between the gateway and an upstream, and so what may be done about it.</summary>
internal enum FailureKind
{
    /// <summary>The upstream was not reached: refused, no such host, process did not start. Nothing ran.</summary>
    Unreachable,

    /// <summary>The upstream answered that it does not know the session. It refused before dispatch: nothing ran.</summary>
    SessionLost,

    /// <summary>The upstream refused a handshake because it allows no further session. Nothing ran.</summary>
    OneSession,

    /// <summary>The request was sent and the connection, stream or process ended before the answer. It may have run.</summary>
    OutcomeUnknown,

    /// <summary>No answer within the deadline. It may have run, or still run.</summary>
    TimedOut,

    /// <summary>401 or 403: the configured credential is not accepted. Nothing ran, and repeating changes nothing.</summary>
    Unauthorized,

    /// <summary>429 or 503: the upstream asks to wait. Nothing ran.</summary>
    Throttled,

    /// <summary>The upstream answered something that is not MCP: HTML, a redirect, an HTTP error without JSON-RPC.</summary>
    NotMcp,

    /// <summary>The gateway refuses the call as it was made; another one may pass. Nothing ran.</summary>
    Refused,
}

/// <summary>A failure of an upstream, as opposed to an error that a tool answered.</summary>
internal sealed class UpstreamException : Exception
{
    public UpstreamException(FailureKind kind, string message, Exception? inner = null, TimeSpan? retryAfter = null, int? status = null)
        : base(message, inner)
    {
        Kind = kind;
        RetryAfter = retryAfter;
        Status = status;
    }

    public FailureKind Kind { get; }

    /// <summary>What the upstream asked to wait; null when it said nothing.</summary>
    public TimeSpan? RetryAfter { get; }

    /// <summary>The HTTP status, where there was one.</summary>
    public int? Status { get; }

    /// <summary>True when another replica of the upstream may hold the session that this one does not know.</summary>
    public bool MayBeReplica { get; init; }

    /// <summary>The row of the failure table it was recognised by; null when no answer told of it.</summary>
    public string? Shape { get; init; }

    /// <summary>True when the call cannot have run, so that repeating it cannot run it twice.</summary>
    public bool ProvablyNotRun => Kind is FailureKind.Unreachable or FailureKind.SessionLost or FailureKind.OneSession or FailureKind.Unauthorized or FailureKind.Throttled or FailureKind.Refused;
}
