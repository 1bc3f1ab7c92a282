namespace McpGateway.Protocol;

/// <summary>JSON-RPC 2.0 and MCP error codes the gateway writes or maps.</summary>
internal static class RpcErrorCode
{
    public const int ParseError = -32700;
    public const int InvalidRequest = -32600;
    public const int MethodNotFound = -32601;
    public const int InvalidParams = -32602;
    public const int InternalError = -32603;

    /// <summary>A mirrored header (<c>Mcp-Method</c>, <c>Mcp-Name</c>, <c>MCP-Protocol-Version</c>) does not say what the body says (2026-07-28).</summary>
    public const int HeaderMismatch = -32020;

    /// <summary>The server needs a capability that the request's envelope does not declare (2026-07-28).</summary>
    public const int MissingClientCapability = -32021;

    /// <summary>The envelope names a revision the server does not speak (2026-07-28).</summary>
    public const int UnsupportedProtocolVersion = -32022;

    /// <summary>A resource is not there (to 2025-11-25; since then <see cref="InvalidParams"/>).</summary>
    public const int ResourceNotFound = -32002;

    /// <summary>The user has to open an address first (2025-11-25 alone; since then an input request).</summary>
    public const int UrlElicitationRequired = -32042;

    /// <summary>Ours: the upstream cannot be reached now. Its <c>data</c> says why and when to retry.</summary>
    public const int UpstreamUnavailable = -32050;

    /// <summary>Ours: the call was sent and its answer lost; whether it ran is not known.</summary>
    public const int OutcomeUnknown = -32051;

    /// <summary>HTTP status of an error answer to a 2026-07-28 request; a legacy answer is always 200.</summary>
    public static int ToModernStatus(int code) => code switch
    {
        MethodNotFound => StatusCodes.Status404NotFound,
        ParseError or InvalidRequest or HeaderMismatch or MissingClientCapability or UnsupportedProtocolVersion => StatusCodes.Status400BadRequest,
        UpstreamUnavailable => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status200OK,
    };
}
