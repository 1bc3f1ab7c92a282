using System.Text.Json;
using System.Text.Json.Nodes;
using McpGateway.Protocol;
using McpGateway.Upstreams;

namespace McpGateway.Endpoints;

/// <summary>What the gateway answers as a server, without asking an upstream: who it is and what it can do.</summary>
internal sealed class ServerAnswers(UpstreamRegistry upstreams, GatewayOptions options)
{
    public static void WriteEmpty(MessageBuffer output, ReadOnlyMemory<byte> id) => Write(output, id, "{}"u8);

    /// <summary>Answers <c>initialize</c>. For one upstream it says what that one said, and waits for its first handshake if need be.</summary>
    /// <exception cref="Sessions.UpstreamException">That upstream is down.</exception>
    public async Task WriteInitializeAsync(MessageBuffer output, ReadOnlyMemory<byte> id, string version, Upstream? scope, string principal, CancellationToken cancellationToken)
    {
        var result = await IntroduceAsync(scope, version, principal, cancellationToken);
        result.Insert(0, "protocolVersion", version);
        Write(output, id, JsonSerializer.SerializeToUtf8Bytes<JsonNode>(result));
    }

    /// <summary>Answers <c>server/discover</c> (SEP-2575).</summary>
    /// <exception cref="Sessions.UpstreamException">The endpoint's upstream is down.</exception>
    public async Task WriteDiscoverAsync(MessageBuffer output, ReadOnlyMemory<byte> id, Upstream? scope, string principal, CancellationToken cancellationToken)
    {
        var result = await IntroduceAsync(scope, McpVersion.Modern, principal, cancellationToken);
        var info = result["serverInfo"]!.DeepClone();
        result.Remove("serverInfo");
        result["supportedVersions"] = new JsonArray(McpVersion.Modern);
        result["resultType"] = "complete";
        result["ttlMs"] = result.ContainsKey("_meta") ? 0 : (long)options.CatalogueTtl.TotalMilliseconds;
        result["cacheScope"] = "private";
        var meta = result["_meta"] as JsonObject ?? [];
        meta[Envelope.ServerInfo] = info;
        result["_meta"] = meta;
        Write(output, id, JsonSerializer.SerializeToUtf8Bytes<JsonNode>(result));
    }

    private async Task<JsonObject> IntroduceAsync(Upstream? scope, string version, string principal, CancellationToken cancellationToken)
    {
        if (scope is null) return AggregateIntroduction.Of([.. upstreams.InOrder.Where(upstream => !options.Callers.Of(upstream, principal).IsClosed)]);
        var server = await scope.KnowAsync(cancellationToken);
        var result = new JsonObject { ["capabilities"] = ServerCapabilities.Carried(server, version), ["serverInfo"] = JsonNode.Parse(server.ServerInfo) };
        if (server.Instructions is not null) result["instructions"] = server.Instructions;
        return result;
    }

    private static void Write(MessageBuffer output, ReadOnlyMemory<byte> id, ReadOnlySpan<byte> result)
    {
        output.Write("{\"jsonrpc\":\"2.0\",\"id\":"u8);
        output.Write(id.Span);
        output.Write(",\"result\":"u8);
        output.Write(result);
        output.Write("}"u8);
    }
}
