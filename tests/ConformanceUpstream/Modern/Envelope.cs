using System.Text.Json.Nodes;
using ConformanceUpstream.Protocol;

namespace ConformanceUpstream.Modern;

/// <summary>What every request of 2026-07-28 carries in <c>_meta</c> (SEP-2575).</summary>
internal static class Envelope
{
    public const string ProtocolVersion = "io.modelcontextprotocol/protocolVersion";
    public const string ClientCapabilities = "io.modelcontextprotocol/clientCapabilities";
    public const string LogLevel = "io.modelcontextprotocol/logLevel";
    public const string ServerInfo = "io.modelcontextprotocol/serverInfo";
    public const string SubscriptionId = "io.modelcontextprotocol/subscriptionId";

    /// <exception cref="RpcException">A member is missing, or the version is not spoken.</exception>
    public static void Check(RpcMessage message)
    {
        if (RpcMessage.TextOf(message.Meta?[ProtocolVersion]) is not { } version) throw Missing(ProtocolVersion);
        if (version != Revision.Modern)
        {
            throw new RpcException(RpcCode.UnsupportedVersion, $"Unsupported protocol version: {version}",
                new JsonObject { ["supported"] = new JsonArray(Revision.Modern), ["requested"] = version });
        }

        if (message.Meta?[ClientCapabilities] is not JsonObject) throw Missing(ClientCapabilities);
    }

    private static RpcException Missing(string member) => new(RpcCode.InvalidParams, $"Invalid params: _meta must hold {member}.");
}
