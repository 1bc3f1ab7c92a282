using System.Text.Json;
using System.Text.Json.Nodes;
using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Endpoints;

/// <summary>What a legacy client said of itself in <c>initialize</c>, for as long as its session lives.</summary>
/// <param name="Version">The revision agreed on.</param>
/// <param name="Capabilities">Its capabilities as JSON.</param>
/// <param name="ClientInfo">Its <c>Implementation</c> object as JSON; null when it gave none.</param>
internal sealed record ClientIntroduction(string Version, string Capabilities, string? ClientInfo)
{
    private const string NoCapability = "{}";

    /// <summary>What holds for a client of the HTTP+SSE pair before its <c>initialize</c>.</summary>
    public static ClientIntroduction None { get; } = new("2024-11-05", NoCapability, null);

    /// <summary>True where a stream begins with an event that only carries an id; before 2025-11-25 clients took its empty data for a broken message.</summary>
    public bool Primes => string.CompareOrdinal(Version, "2025-11-25") >= 0;

    /// <summary>What sessions for its calls must have been opened as.</summary>
    public SessionProfile Profile { get; } = SessionProfile.Of(Version, ClientCapabilitiesJson.Read(JsonNode.Parse(Capabilities)));

    /// <summary>True for the one revision that has batches.</summary>
    public bool HasBatches => Version == "2025-03-26";

    /// <summary>What is wrong with an <c>initialize</c>; null when nothing is. A version not known here is none: the client is offered another.</summary>
    public static RpcError? Check(ReadOnlySpan<byte> message, MessageShape shape) => JsonText.Read(shape.InitializeVersion.Of(message)) is { Length: > 0 }
        ? null
        : new RpcError(RpcErrorCode.InvalidParams, $"params.protocolVersion must be a string that names a revision, such as \"{McpVersion.LatestLegacy}\".");

    public static ClientIntroduction Read(ReadOnlySpan<byte> message, MessageShape shape)
    {
        var version = McpVersion.Negotiate(JsonText.Read(shape.InitializeVersion.Of(message)));
        if (shape.Params.IsEmpty || message[shape.Params.Start] != '{') return new ClientIntroduction(version, NoCapability, null);
        using var parameters = JsonDocument.Parse(message[shape.Params.Start..shape.Params.End].ToArray(), new JsonDocumentOptions { MaxDepth = 128 });
        return new ClientIntroduction(version, Member("capabilities") ?? NoCapability, Member("clientInfo"));

        string? Member(string name) =>
            parameters.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Object ? value.GetRawText() : null;
    }
}
