using System.Text;
using System.Text.Json;

namespace McpGateway.Protocol;

/// <summary>The <c>_meta</c> members of revision 2026-07-28 that say per request what <c>initialize</c> used to say once (SEP-2575).</summary>
internal static class Envelope
{
    public const string ProtocolVersion = "io.modelcontextprotocol/protocolVersion";
    public const string ClientInfo = "io.modelcontextprotocol/clientInfo";
    public const string ClientCapabilities = "io.modelcontextprotocol/clientCapabilities";
    public const string LogLevel = "io.modelcontextprotocol/logLevel";
    public const string SubscriptionId = "io.modelcontextprotocol/subscriptionId";
    public const string ServerInfo = "io.modelcontextprotocol/serverInfo";

    /// <summary>
    /// Ours: what the header <see cref="McpHeader.Affinity"/> says, for clients that cannot set headers. The prefix is of the form that
    /// the specification gives for keys of <c>_meta</c>; <c>internal</c> is a domain that nobody can own.
    /// </summary>
    public const string Affinity = "internal.mcp-gateway/affinity";

    /// <summary>The gateway as a client of upstreams, for its own calls and for clients that cannot be asked anything.</summary>
    public static ReadOnlyMemory<byte> OfGateway { get; } = Encoding.UTF8.GetBytes(
        $$"""
        "{{ProtocolVersion}}":"{{McpVersion.Modern}}","{{ClientInfo}}":{{GatewayIdentity.Json}},"{{ClientCapabilities}}":{}
        """.Trim());

    /// <summary>The same for a call whose client can be asked something: what it can be asked follows.</summary>
    public static ReadOnlyMemory<byte> OfGatewayWithoutCapabilities { get; } = Encoding.UTF8.GetBytes(
        $$"""
        "{{ProtocolVersion}}":"{{McpVersion.Modern}}","{{ClientInfo}}":{{GatewayIdentity.Json}}
        """.Trim());

    /// <summary>True for a member that belongs to one hop only, and so never passes from a client to an upstream.</summary>
    public static bool IsOfOneHop(ref Utf8JsonReader name) =>
        name.ValueTextEquals("io.modelcontextprotocol/protocolVersion"u8)
        || name.ValueTextEquals("io.modelcontextprotocol/clientInfo"u8)
        || name.ValueTextEquals("io.modelcontextprotocol/clientCapabilities"u8)
        || name.ValueTextEquals("io.modelcontextprotocol/logLevel"u8)
        || name.ValueTextEquals("internal.mcp-gateway/affinity"u8)
        || name.ValueTextEquals("progressToken"u8);
}

/// <summary>How the gateway names itself to clients and upstreams.</summary>
internal static class GatewayIdentity
{
    public const string Name = "mcp-gateway";

    public static string Version { get; } = typeof(GatewayIdentity).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";

    /// <summary>The <c>Implementation</c> object of the MCP schema.</summary>
    public static string Json { get; } = $$"""{"name":"{{Name}}","version":"{{Version}}"}""";
}
