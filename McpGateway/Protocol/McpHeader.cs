namespace McpGateway.Protocol;

/// <summary>HTTP headers of MCP, and the gateway's own <see cref="Affinity"/>.</summary>
internal static class McpHeader
{
    public const string SessionId = "Mcp-Session-Id";
    public const string ProtocolVersion = "MCP-Protocol-Version";

    /// <summary>2025-03-26 to 2025-11-25: the last event that a client got of a stream it has lost.</summary>
    public const string LastEventId = "Last-Event-ID";

    /// <summary>2026-07-28: mirrors the body's method, so that a proxy can route without reading it (SEP-2243).</summary>
    public const string Method = "Mcp-Method";

    /// <summary>2026-07-28: mirrors <c>params.name</c> or <c>params.uri</c> (SEP-2243).</summary>
    public const string Name = "Mcp-Name";

    /// <summary>2026-07-28: prefix of tool arguments that the tool's schema asks to be mirrored.</summary>
    public const string ParameterPrefix = "Mcp-Param-";

    /// <summary>Ours: calls with the same value get the same upstream session while it lives.</summary>
    public const string Affinity = "Mcp-Affinity";
}
