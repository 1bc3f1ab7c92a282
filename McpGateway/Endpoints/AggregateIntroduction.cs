using System.Text;
using System.Text.Json.Nodes;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams;

namespace McpGateway.Endpoints;

/// <summary>The aggregate's part of <c>initialize</c> and <c>server/discover</c>: what its upstreams can do together, and what each wants to be said of it.</summary>
internal static class AggregateIntroduction
{
    /// <summary>Characters of one upstream's instructions, and of all together: they go into every prompt of a model.</summary>
    private const int MostOfOne = 4000;

    private const int MostOfAll = 16_000;

    /// <param name="upstreams">Those that the caller may know of, in order.</param>
    public static JsonObject Of(IReadOnlyCollection<Upstream> upstreams)
    {
        Upstream[] missing = [.. upstreams.Where(static upstream => upstream.Server is null)];
        ServerProfile[] servers = [.. upstreams.Select(static upstream => upstream.Server).OfType<ServerProfile>()];
        var introduction = new JsonObject
        {
            ["capabilities"] = ServerCapabilities.Merge(servers, missing.Length > 0),
            ["serverInfo"] = JsonNode.Parse(GatewayIdentity.Json),
            ["instructions"] = Instructions(upstreams),
        };
        if (missing.Length > 0) introduction["_meta"] = new JsonObject { [MissingUpstreams.Member] = MissingUpstreams.Describe(missing) };
        return introduction;
    }

    private static string Instructions(IReadOnlyCollection<Upstream> upstreams)
    {
        var text = new StringBuilder($"Several servers in one: {string.Join(", ", upstreams.Select(static upstream => upstream.Name))}. Tools and prompts are named upstream__name.");
        foreach (var upstream in upstreams)
        {
            if (upstream.Server?.Instructions?.Trim() is not { Length: > 0 } instructions) continue;
            var room = Math.Min(MostOfOne, MostOfAll - text.Length);
            if (room <= 0) break;
            text.Append("\n\n").Append(upstream.Name).Append(":\n").Append(Cut(instructions, room));
        }

        return text.ToString();
    }

    private static string Cut(string text, int most)
    {
        if (text.Length <= most) return text;
        // Half a surrogate pair is no text.
        return $"{text[..(char.IsHighSurrogate(text[most - 1]) ? most - 1 : most)]} […]";
    }
}
