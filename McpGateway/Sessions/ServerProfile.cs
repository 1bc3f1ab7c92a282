using System.Text.Json.Nodes;
using McpGateway.Protocol;

namespace McpGateway.Sessions;

/// <summary>What an upstream said of itself: how it speaks, and the members of its handshake as they came.</summary>
/// <param name="Era">Which of the two ways it speaks.</param>
/// <param name="Version">The revision agreed on.</param>
/// <param name="ServerInfo">Its <c>Implementation</c> object as JSON.</param>
/// <param name="Capabilities">Its capabilities as JSON.</param>
/// <param name="Instructions">Its instructions; null when it gave none.</param>
internal sealed record ServerProfile(McpEra Era, string Version, string ServerInfo, string Capabilities, string? Instructions)
{
    private readonly Lazy<JsonObject?> _capabilities = new(() => JsonNode.Parse(Capabilities) as JsonObject);

    /// <summary>True when it declares a capability.</summary>
    public bool Has(string capability) => _capabilities.Value?.ContainsKey(capability) == true;

    /// <summary>True when it says that it tells of changes of a list: <c>tools</c>, <c>prompts</c> or <c>resources</c>.</summary>
    public bool Announces(string list) => _capabilities.Value?[list] is JsonObject has && has["listChanged"] is JsonValue value && value.TryGetValue(out bool does) && does;

    /// <summary>True when it tells of changes of any list.</summary>
    public bool AnnouncesAny => Announces("tools") || Announces("prompts") || Announces("resources");

    /// <summary>True when it says that it has tools.</summary>
    public bool HasTools { get; init; }
}
