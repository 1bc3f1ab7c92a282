using System.Text.Json;
using McpGateway.Protocol;

namespace McpGateway.Endpoints.Subscriptions;

/// <summary>Which changed lists a <c>subscriptions/listen</c> asks to be told of (SEP-2575). Updates of single resources are not among what the gateway can tell yet, and so are never acknowledged.</summary>
internal readonly record struct SubscriptionFilter(bool Tools, bool Prompts, bool Resources)
{
    /// <summary>Reads <c>params.notifications</c>; null when it is no object.</summary>
    public static SubscriptionFilter? Read(ReadOnlyMemory<byte> parameters)
    {
        if (parameters.IsEmpty || parameters.Span[0] != '{') return null;
        using var json = JsonDocument.Parse(parameters, new JsonDocumentOptions { MaxDepth = 128 });
        if (!json.RootElement.TryGetProperty("notifications", out var asked) || asked.ValueKind != JsonValueKind.Object) return null;
        return new SubscriptionFilter(Asks("toolsListChanged"), Asks("promptsListChanged"), Asks("resourcesListChanged"));

        bool Asks(string name) => asked.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True;
    }

    public bool Wants(McpMethod list) => list switch
    {
        McpMethod.ToolsListChanged => Tools,
        McpMethod.PromptsListChanged => Prompts,
        McpMethod.ResourcesListChanged => Resources,
        _ => false,
    };

    /// <summary>What of this is also in <paramref name="other"/>.</summary>
    public SubscriptionFilter And(SubscriptionFilter other) => new(Tools && other.Tools, Prompts && other.Prompts, Resources && other.Resources);

    /// <summary>The object for the acknowledgement.</summary>
    public string ToJson()
    {
        string?[] members = [Tools ? "\"toolsListChanged\":true" : null, Prompts ? "\"promptsListChanged\":true" : null, Resources ? "\"resourcesListChanged\":true" : null];
        return $"{{{string.Join(',', members.Where(static member => member is not null))}}}";
    }
}
