using System.Text.Json.Nodes;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams.Links;

namespace McpGateway.Upstreams;

/// <summary>Opens the conversation on a fresh link, in either era. Accepts whichever known version the upstream answers with.</summary>
internal static class Handshake
{
    private static readonly byte[] s_initialized = """{"jsonrpc":"2.0","method":"notifications/initialized"}"""u8.ToArray();

    /// <summary>Asks with <c>server/discover</c>. Null when the answer shows a server of the legacy kind, whatever the way it says so.</summary>
    /// <exception cref="UpstreamException">Nothing can be concluded: refused credential, not reached, asked to wait.</exception>
    public static async Task<ServerProfile?> DiscoverAsync(UpstreamLink link, CancellationToken cancellationToken)
    {
        link.Version = McpVersion.Modern;
        try
        {
            using var answer = await LinkCalls.CallAsync(link, McpMethodNames.Discover, LinkCalls.Parameters(McpEra.Modern), cancellationToken);
            return answer.Shape.Kind == MessageKind.Result ? ReadDiscovery(answer) : null;
        }
        catch (UpstreamException exception) when (exception.Kind is FailureKind.NotMcp or FailureKind.SessionLost || (exception.Kind == FailureKind.OutcomeUnknown && exception.Status is null && link.BrokenReason is not null))
        {
            // 400, 404, 405, HTML, or a process that left over an unknown method: a server of the legacy kind says no in many ways.
            return null;
        }
    }

    /// <summary>Runs <c>initialize</c>, as a client of this profile, and <c>notifications/initialized</c>.</summary>
    /// <exception cref="UpstreamException">The upstream refuses or does not answer.</exception>
    public static async Task<ServerProfile> InitializeAsync(UpstreamLink link, SessionProfile profile, CancellationToken cancellationToken)
    {
        link.Version = null;
        ServerProfile server;
        using (var answer = await LinkCalls.CallAsync(link, McpMethodNames.Initialize, Parameters(profile), cancellationToken))
        {
            if (answer.Shape.Kind == MessageKind.Error) throw Refused(link, answer);
            server = ReadInitialize(answer);
        }

        link.Version = server.Version;
        await link.SendNotificationAsync(s_initialized, McpMethod.Initialized, cancellationToken);
        return server;
    }

    private static string Parameters(SessionProfile profile) =>
        $$"""{"protocolVersion":"{{profile.Version}}","capabilities":{{profile.Capabilities.ToJson().ToJsonString()}},"clientInfo":{{GatewayIdentity.Json}}}""";

    private static UpstreamException Refused(UpstreamLink link, UpstreamMessage answer)
    {
        var text = answer.ReadErrorText();
        var kind = FailureTable.Find(new FailureSign(link.Transport, HeldSession: false, Code: answer.Shape.ErrorCode, Text: text, ToInitialize: true)).Kind!.Value;
        var said = link.Redact(text);
        return new UpstreamException(kind, kind == FailureKind.OneSession ? $"The upstream allows no further session now: {said}" : $"The upstream refused initialize: {said}");
    }

    private static ServerProfile? ReadDiscovery(UpstreamMessage answer)
    {
        if (JsonNode.Parse(answer.Shape.Result.Of(answer.Bytes.Span)) is not JsonObject result) return null;
        // A lenient server of the legacy kind answers {} to a method it does not know.
        if (result["supportedVersions"] is not JsonArray versions || !versions.Any(version => version?.ToString() == McpVersion.Modern)) return null;
        var info = result["_meta"]?[Envelope.ServerInfo] ?? result["serverInfo"];
        return Profile(McpEra.Modern, McpVersion.Modern, info, result);
    }

    private static ServerProfile ReadInitialize(UpstreamMessage answer)
    {
        var result = JsonNode.Parse(answer.Shape.Result.Of(answer.Bytes.Span)) as JsonObject;
        var version = result?["protocolVersion"]?.ToString();
        if (version is null || !McpVersion.IsLegacy(version))
            throw new UpstreamException(FailureKind.NotMcp, $"The upstream answered initialize with protocol version '{version ?? "none"}', which the gateway does not speak.");
        return Profile(McpEra.Legacy, version, result!["serverInfo"], result);
    }

    private static ServerProfile Profile(McpEra era, string version, JsonNode? info, JsonObject result)
    {
        var capabilities = result["capabilities"] as JsonObject ?? [];
        return new ServerProfile(era, version, info?.ToJsonString() ?? """{"name":"unknown","version":"0"}""", capabilities.ToJsonString(), result["instructions"]?.ToString())
        {
            HasTools = capabilities.ContainsKey("tools"),
        };
    }
}
