using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using McpGateway.Calls;
using McpGateway.Protocol;
using McpGateway.Upstreams;

namespace McpGateway.Endpoints;

/// <summary>What the gateway answers as a server, without asking an upstream: who it is, what it can, and the tools it knows.</summary>
internal sealed class ServerAnswers(UpstreamRegistry upstreams, GatewayOptions options)
{
    /// <summary>Parts of a server's capabilities that are carried between any two revisions.</summary>
    private static readonly string[] s_carried = ["tools", "prompts", "resources", "completions", "logging"];

    /// <summary>Those that no two revisions spell alike, and pass as they are where client and upstream speak the same one.</summary>
    private static readonly string[] s_ofOneRevision = ["tasks", "extensions", "experimental"];

    public static void WriteEmpty(MessageBuffer output, ReadOnlyMemory<byte> id) => Write(output, id, "{}"u8);

    /// <summary>Answers <c>initialize</c>. For one upstream it says what that one said, and waits for its first handshake if need be.</summary>
    /// <exception cref="Sessions.UpstreamException">That upstream is down.</exception>
    public async Task WriteInitializeAsync(MessageBuffer output, ReadOnlyMemory<byte> id, string version, Upstream? scope, CancellationToken cancellationToken)
    {
        var result = await IntroduceAsync(scope, version, cancellationToken);
        result.Insert(0, "protocolVersion", version);
        Write(output, id, JsonSerializer.SerializeToUtf8Bytes<JsonNode>(result));
    }

    /// <summary>Answers <c>server/discover</c> (SEP-2575).</summary>
    /// <exception cref="Sessions.UpstreamException">The endpoint's upstream is down.</exception>
    public async Task WriteDiscoverAsync(MessageBuffer output, ReadOnlyMemory<byte> id, Upstream? scope, CancellationToken cancellationToken)
    {
        var result = await IntroduceAsync(scope, McpVersion.Modern, cancellationToken);
        var info = result["serverInfo"]!.DeepClone();
        result.Remove("serverInfo");
        result["supportedVersions"] = new JsonArray(McpVersion.Modern);
        result["resultType"] = "complete";
        result["ttlMs"] = (long)options.CatalogueTtl.TotalMilliseconds;
        result["cacheScope"] = "private";
        result["_meta"] = new JsonObject { [Envelope.ServerInfo] = info };
        Write(output, id, JsonSerializer.SerializeToUtf8Bytes<JsonNode>(result));
    }

    /// <summary>Answers <c>tools/list</c> from what is known; the aggregate says which upstreams are missing and why.</summary>
    /// <exception cref="Sessions.UpstreamException">The endpoint's one upstream is down and nothing is known of it.</exception>
    public async Task WriteToolsAsync(MessageBuffer output, ClientRequest request, CancellationToken cancellationToken)
    {
        if (request.Scope is { } only) await only.KnowToolsAsync(request.Key.Profile, cancellationToken);
        using var result = new MessageBuffer(16 * 1024);
        result.Write("{\"tools\":["u8);
        var first = true;
        var missing = new JsonArray();
        foreach (var upstream in request.Scope is { } scope ? [scope] : upstreams.All)
        {
            var catalogue = upstream.ListedFor(request.Key.Profile);
            if (catalogue.Tools is not { } tools) { if (upstream.Server is not { HasTools: false }) missing.Add(Missing(upstream)); continue; }
            catalogue.RefreshIfStale();
            foreach (var tool in tools)
            {
                if (!first) result.Write(","u8);
                first = false;
                WriteTool(result, tool, request.Scope is null ? upstream.Name : null);
            }
        }

        result.Write("]"u8);
        if (request.Era == McpEra.Modern) result.Write(Encoding.UTF8.GetBytes($",\"resultType\":\"complete\",\"ttlMs\":{(long)options.CatalogueTtl.TotalMilliseconds},\"cacheScope\":\"private\""));
        if (missing.Count > 0) result.Write(Encoding.UTF8.GetBytes($",\"_meta\":{{\"mcp-gateway/missing\":{missing.ToJsonString()}}}"));
        result.Write("}"u8);
        Write(output, request.Id, result.Span);
    }

    private static void WriteTool(MessageBuffer output, ToolEntry tool, string? prefix)
    {
        var splice = new Splice(tool.Json.Span);
        if (prefix is not null) splice.Replace(tool.NameRange, JsonText.Write(AggregateName.Join(prefix, tool.Name)));
        splice.WriteTo(output);
    }

    private static JsonObject Missing(Upstream upstream)
    {
        var failure = upstream.Breaker.LastFailure;
        return new JsonObject { ["upstream"] = upstream.Name, ["state"] = failure is null ? "opening" : "down", ["reason"] = failure?.Message ?? "It is still being opened." };
    }

    private async Task<JsonObject> IntroduceAsync(Upstream? scope, string version, CancellationToken cancellationToken)
    {
        if (scope is null)
        {
            return new JsonObject
            {
                ["capabilities"] = new JsonObject { ["tools"] = Listed(), ["logging"] = new JsonObject() },
                ["serverInfo"] = JsonNode.Parse(GatewayIdentity.Json),
                ["instructions"] = $"Tools of several servers, named upstream__tool: {string.Join(", ", upstreams.All.Select(upstream => upstream.Name))}.",
            };
        }

        var server = await scope.KnowAsync(cancellationToken);
        var result = new JsonObject { ["capabilities"] = Carried(server.Capabilities, server.Version == version), ["serverInfo"] = JsonNode.Parse(server.ServerInfo) };
        if (server.Instructions is not null) result["instructions"] = server.Instructions;
        return result;
    }

    private static JsonObject Carried(string capabilities, bool isSameRevision)
    {
        var offered = JsonNode.Parse(capabilities) as JsonObject;
        var carried = new JsonObject();
        foreach (var name in s_carried.Where(name => offered?.ContainsKey(name) == true)) carried[name] = name == "tools" ? Listed() : new JsonObject();
        if (offered?["resources"]?["subscribe"] is JsonValue subscribe && subscribe.TryGetValue<bool>(out var does) && does) carried["resources"]!["subscribe"] = true;
        foreach (var name in s_ofOneRevision.Where(name => isSameRevision && offered?.ContainsKey(name) == true)) carried[name] = offered![name]!.DeepClone();
        return carried;
    }

    /// <summary>A list whose changes the gateway announces.</summary>
    private static JsonObject Listed() => new() { ["listChanged"] = true };

    private static void Write(MessageBuffer output, ReadOnlyMemory<byte> id, ReadOnlySpan<byte> result)
    {
        output.Write("{\"jsonrpc\":\"2.0\",\"id\":"u8);
        output.Write(id.Span);
        output.Write(",\"result\":"u8);
        output.Write(result);
        output.Write("}"u8);
    }
}
