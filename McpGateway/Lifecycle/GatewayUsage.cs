namespace McpGateway.Lifecycle;

/// <summary>What the command line says of itself.</summary>
internal static class GatewayUsage
{
    public const string Text = """
        McpGateway [--urls <addresses>] [--<option> <value>]...

        Serves every MCP server of a configuration file on one address, over warm sessions: all of them on /mcp, each on /mcp/{upstream}.

          --urls <addresses>             Where it listens, such as http://127.0.0.1:5200.
          --Gateway:ConfigFile <file>    The upstreams, as clients have them ("mcpServers"). Default: mcp.json beside the gateway.
          --Gateway:<option> <value>     Any option of the gateway, such as --Gateway:DrainTimeout 00:00:30.
          --Storage:Directory <folder>   Where it keeps its database and key. Default: .data beside Agents.sln, else in the content root.
          --ConnectionStrings:cache <s>  Redis instead, for several gateways.
          --help                         Prints this text.

        Every option can be given as an environment variable too (Gateway__ConfigFile). docs/gateway.md names them all.
        Operators: GET /upstreams, GET /upstreams/{name}, POST /upstreams/{name}/warm, /drain or /clear, GET /sessions; GET /health, /alive.
        """;

    /// <summary>True when the text is all that is wanted.</summary>
    public static bool IsAskedFor(string[] arguments) => arguments.Any(static argument => argument is "--help" or "-h" or "-?");
}
