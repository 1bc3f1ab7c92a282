using System.Text.Json.Nodes;
using ModelContextProtocol;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace Agents.Worker.Tools;

/// <summary>
/// Lists the gateway's tools. The gateway answers at once with what it has and says what is missing; right after a start that can be
/// everything, so an agent that would be left without any tool waits for upstreams that are still being opened.
/// </summary>
internal static class ToolListing
{
    private const string MissingMember = "mcp-gateway/missing";

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(200);

    /// <returns>The tools the filter permits; empty when the gateway has none of them.</returns>
    /// <exception cref="McpException">None is there because an upstream cannot be reached; the message says which and why.</exception>
    public static async Task<IReadOnlyList<McpClientTool>> ReadAsync(McpClient client, ToolFilter filter, TimeProvider time, CancellationToken cancellationToken)
    {
        while (true)
        {
            var (tools, missing) = await ReadOnceAsync(client, filter, cancellationToken).ConfigureAwait(false);
            // Listed page by page, which the SDK does not remember by itself; it warns at every call of a tool it does not know.
            client.AddKnownTools(tools.Select(tool => tool.ProtocolTool));
            if (tools.Count > 0 || missing.Count == 0) return tools;
            if (!missing.Any(IsOpening)) throw new McpException($"No tool is there: {string.Join("; ", missing.Select(Describe))}");
            await Task.Delay(s_pause, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task<(List<McpClientTool> Tools, JsonArray Missing)> ReadOnceAsync(McpClient client, ToolFilter filter, CancellationToken cancellationToken)
    {
        var tools = new List<McpClientTool>();
        var missing = new JsonArray();
        string? cursor = null;
        do
        {
            var page = await client.ListToolsAsync(new ListToolsRequestParams { Cursor = cursor }, cancellationToken).ConfigureAwait(false);
            tools.AddRange(page.Tools.Where(tool => filter.Permits(tool.Name)).Select(tool => new McpClientTool(client, tool)));
            if (page.Meta?[MissingMember] is JsonArray told) missing = told;
            cursor = page.NextCursor;
        }
        while (!string.IsNullOrEmpty(cursor));
        return (tools, missing);
    }

    private static bool IsOpening(JsonNode? upstream) => upstream?["state"]?.ToString() == "opening";

    private static string Describe(JsonNode? upstream) => $"{upstream?["upstream"]}: {upstream?["reason"]}";
}
