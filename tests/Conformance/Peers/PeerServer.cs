using System.Text.Json.Nodes;

namespace Conformance.Peers;

/// <summary>A server other people wrote, or all of them together.</summary>
/// <param name="Name">Its entry in <c>mcpServers</c>, and the end of its path at the gateway.</param>
/// <param name="Kind">What it offers, as the tours know it.</param>
/// <param name="Title">For the table.</param>
/// <param name="Prefix">What stands before the names of its tools and prompts.</param>
internal sealed record PeerServer(string Name, string Kind, string Title, string Prefix = "")
{
    public const string Everything = "everything";
    public const string Filesystem = "filesystem";
    public const string Memory = "memory";

    /// <summary>Those that the gateway has as upstreams.</summary>
    public static IReadOnlyList<PeerServer> Upstreams { get; } =
    [
        new("everything-http", Everything, "everything, Streamable HTTP"),
        new("everything-sse", Everything, "everything, HTTP+SSE"),
        new("everything-stdio", Everything, "everything, stdio"),
        new("filesystem", Filesystem, "filesystem, stdio"),
        new("memory", Memory, "memory, stdio"),
    ];

    /// <summary>Beside each, the endpoint where all of them are one: names begin with the upstream's, a resource is the first upstream's that lists it.</summary>
    public static IReadOnlyList<PeerServer> All { get; } = [.. Upstreams, new("", Everything, "all, aggregate", "everything-http__")];

    /// <summary>Starts it; null where the gateway does.</summary>
    public async Task<NodeProcess?> StartAsync() => Name switch
    {
        "everything-http" => await EverythingAsync("streamableHttp"),
        "everything-sse" => await EverythingAsync("sse"),
        _ => null,
    };

    /// <param name="server">Where it runs, if the gateway does not start it.</param>
    /// <param name="folder">Where it may write.</param>
    public KeyValuePair<string, JsonNode?> Entry(NodeProcess? server, string folder) => new(Name, Name switch
    {
        "everything-http" => new JsonObject { ["url"] = $"http://127.0.0.1:{PortOf(server!)}/mcp" },
        "everything-sse" => new JsonObject { ["url"] = $"http://127.0.0.1:{PortOf(server!)}/sse" },
        "everything-stdio" => Node("@modelcontextprotocol/server-everything", "stdio"),
        Filesystem => Node("@modelcontextprotocol/server-filesystem", folder),
        _ => Node("@modelcontextprotocol/server-memory", env: new JsonObject { ["MEMORY_FILE_PATH"] = Path.Combine(folder, "memory.jsonl") }),
    });

    private static Task<NodeProcess> EverythingAsync(string transport) =>
        NodeProcess.StartAsync("everything.mjs", [transport], isReady: line => line.StartsWith("listening on ", StringComparison.Ordinal));

    private static string PortOf(NodeProcess server) => server.ReadyLine.Split(' ')[^1];

    private static JsonObject Node(string package, string? argument = null, JsonObject? env = null)
    {
        var arguments = new JsonArray(NpmPeers.FileOf(package, "dist/index.js"));
        if (argument is not null) arguments.Add(argument);
        return new JsonObject { ["command"] = Requires.Node(), ["args"] = arguments, ["env"] = env ?? [] };
    }
}
