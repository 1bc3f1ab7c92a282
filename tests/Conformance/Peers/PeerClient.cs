using System.Text.Json.Nodes;

namespace Conformance.Peers;

/// <summary>A client other people wrote, and how it is taken through a server.</summary>
/// <param name="Title">For the table.</param>
/// <param name="Path">What follows the path of the upstream.</param>
/// <param name="TourAsync">Takes it through a server.</param>
internal sealed record PeerClient(string Title, string Path, Func<Uri, PeerServer, string, Task<Tour>> TourAsync)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    public static IReadOnlyList<PeerClient> All { get; } =
    [
        new("npm sdk 1.32, Streamable HTTP", "", Scripted("sdk-http")),
        new("npm sdk 1.32, HTTP+SSE", "/sse", Scripted("sdk-sse")),
        new("npm client 2.4", "", Scripted("client-http")),
        new("MCP Inspector 2.12, CLI", "", InspectorTour.RunAsync),
        new("C# SDK 2.3, defaults", "", CSharpTour.RunAsync),
    ];

    private static Func<Uri, PeerServer, string, Task<Tour>> Scripted(string kind) => async (url, server, folder) =>
    {
        var (exitCode, output) = await NodeProcess.RunAsync("peer-tour.mjs", [kind, url.ToString(), server.Kind, folder, server.Prefix], within: s_patience);
        if (exitCode != 0) return new Tour(null, new Dictionary<string, string?> { ["connect"] = string.Join(' ', output) });
        var outcome = JsonNode.Parse(output[^1])!;
        return new Tour(outcome["revision"]?.GetValue<string>(), outcome["steps"]!.AsObject().ToDictionary(step => step.Key, step => step.Value?.GetValue<string>()));
    };
}
