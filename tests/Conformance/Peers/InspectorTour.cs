namespace Conformance.Peers;

/// <summary>MCP Inspector on the command line, which connects anew for each method.</summary>
internal static class InspectorTour
{
    private const string Launcher = "clients/launcher/build/index.js";

    public static async Task<Tour> RunAsync(Uri url, PeerServer server, string folder)
    {
        var steps = new Dictionary<string, string?>();
        var (tool, arguments, expected) = server.Kind switch
        {
            PeerServer.Everything => ("echo", new[] { "message=inspected" }, "inspected"),
            PeerServer.Filesystem => ("list_allowed_directories", [], folder),
            _ => ("search_nodes", ["query=nothing"], "entities"),
        };
        steps["tools"] = await AskAsync(url, folder, server.Prefix + tool, "tools/list");
        steps["call"] = await AskAsync(url, folder, expected, ["tools/call", "--tool-name", server.Prefix + tool, .. arguments.SelectMany(argument => new[] { "--tool-arg", argument })]);
        if (server.Kind != PeerServer.Everything) return new Tour(null, steps);

        steps["resources"] = await AskAsync(url, folder, "contents", "resources/read", "--uri", "demo://resource/dynamic/text/1");
        steps["prompts"] = await AskAsync(url, folder, "Bern", "prompts/get", "--prompt-name", server.Prefix + "args-prompt", "--prompt-args", "city=Bern");
        return new Tour(null, steps);
    }

    private static async Task<string?> AskAsync(Uri url, string home, string expected, params string[] method)
    {
        var (exitCode, output) = await NodeProcess.RunAsync(
            NpmPeers.FileOf("@modelcontextprotocol/inspector", Launcher),
            ["--cli", url.ToString(), "--transport", "http", "--method", .. method],
            // It keeps files of its own at home.
            new Dictionary<string, string?> { ["HOME"] = home });
        var text = string.Join(' ', output);
        return exitCode == 0 && text.Contains(expected, StringComparison.Ordinal) ? null : $"exit code {exitCode}: {text}";
    }
}
