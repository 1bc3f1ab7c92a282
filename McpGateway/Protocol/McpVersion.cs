namespace McpGateway.Protocol;

/// <summary>The MCP revisions the gateway speaks, spelled as on the wire.</summary>
internal static class McpVersion
{
    /// <summary>First stateless revision: no <c>initialize</c>, no <c>Mcp-Session-Id</c>, one <c>_meta</c> envelope per request (SEP-2575).</summary>
    public const string Modern = "2026-07-28";

    /// <summary>Newest revision with an <c>initialize</c> handshake; what the gateway offers upstream and to clients that ask for a version it does not know.</summary>
    public const string LatestLegacy = "2025-11-25";

    private static readonly string[] s_legacy = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

    public static bool IsLegacy(string version) => s_legacy.AsSpan().Contains(version);

    /// <summary>The version a legacy client gets: its own when known, else the newest with a handshake.</summary>
    public static string Negotiate(string? asked) => asked is not null && IsLegacy(asked) ? asked : LatestLegacy;
}

/// <summary>The two ways a peer speaks: with a handshake and perhaps a session, or stateless.</summary>
internal enum McpEra
{
    /// <summary>2024-11-05 to 2025-11-25: <c>initialize</c>, then requests on that session.</summary>
    Legacy,

    /// <summary>2026-07-28: every request carries its own envelope.</summary>
    Modern,
}
