using System.Text.Json.Nodes;

namespace McpGateway.Sessions;

/// <summary>What a client can be asked by a server, reduced to what revision 2025-11-25 knows. A part implies its whole.</summary>
[Flags]
internal enum ClientCapabilities
{
    None = 0,
    Roots = 1 << 0,
    RootsListChanged = 1 << 1,
    Sampling = 1 << 2,
    SamplingTools = 1 << 3,
    SamplingContext = 1 << 4,
    ElicitationForm = 1 << 5,
    ElicitationUrl = 1 << 6,
}

/// <summary>The JSON of <see cref="ClientCapabilities"/>.</summary>
internal static class ClientCapabilitiesJson
{
    /// <summary>With the whole of every part.</summary>
    public static ClientCapabilities Completed(this ClientCapabilities capabilities)
    {
        if (capabilities.HasFlag(ClientCapabilities.RootsListChanged)) capabilities |= ClientCapabilities.Roots;
        if ((capabilities & (ClientCapabilities.SamplingTools | ClientCapabilities.SamplingContext)) != 0) capabilities |= ClientCapabilities.Sampling;
        return capabilities;
    }

    /// <summary>The object for <c>initialize</c>.</summary>
    public static JsonObject ToJson(this ClientCapabilities capabilities)
    {
        var json = new JsonObject();
        if (capabilities.HasFlag(ClientCapabilities.Roots)) json["roots"] = capabilities.HasFlag(ClientCapabilities.RootsListChanged) ? new JsonObject { ["listChanged"] = true } : [];
        if (capabilities.HasFlag(ClientCapabilities.Sampling)) json["sampling"] = Parts((ClientCapabilities.SamplingTools, "tools"), (ClientCapabilities.SamplingContext, "context"));
        // Before URLs there was only the form, and it was spelled {}; that is what it still means.
        if (capabilities.HasFlag(ClientCapabilities.ElicitationUrl)) json["elicitation"] = Parts((ClientCapabilities.ElicitationForm, "form"), (ClientCapabilities.ElicitationUrl, "url"));
        else if (capabilities.HasFlag(ClientCapabilities.ElicitationForm)) json["elicitation"] = new JsonObject();
        return json;

        JsonObject Parts(params ReadOnlySpan<(ClientCapabilities Part, string Name)> parts)
        {
            var of = new JsonObject();
            foreach (var (part, name) in parts)
            {
                if (capabilities.HasFlag(part)) of[name] = new JsonObject();
            }

            return of;
        }
    }

    /// <summary>What of a client's own <c>capabilities</c> is known here.</summary>
    public static ClientCapabilities Read(JsonNode? capabilities)
    {
        var known = ClientCapabilities.None;
        if (capabilities is not JsonObject all) return known;
        if (all["roots"] is JsonObject roots)
            known |= ClientCapabilities.Roots | (roots["listChanged"] is JsonValue changed && changed.TryGetValue<bool>(out var does) && does ? ClientCapabilities.RootsListChanged : 0);
        if (all["sampling"] is JsonObject sampling)
            known |= ClientCapabilities.Sampling | (Has(sampling, "tools") ? ClientCapabilities.SamplingTools : 0) | (Has(sampling, "context") ? ClientCapabilities.SamplingContext : 0);
        if (all["elicitation"] is JsonObject elicitation)
            known |= (Has(elicitation, "form") || !Has(elicitation, "url") ? ClientCapabilities.ElicitationForm : 0) | (Has(elicitation, "url") ? ClientCapabilities.ElicitationUrl : 0);
        return known;
    }

    private static bool Has(JsonObject of, string part) => of[part] is JsonObject;
}
