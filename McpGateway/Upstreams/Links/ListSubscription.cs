using System.Text;
using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Upstreams.Links;

/// <summary>The gateway's own <c>subscriptions/listen</c> (2026-07-28): asks to be told of those lists of which the server says that it announces them.</summary>
internal static class ListSubscription
{
    private static readonly string[] s_lists = ["tools", "prompts", "resources"];

    public static OutgoingRequest Of(UpstreamLink link, ServerProfile server)
    {
        var id = link.NextId();
        var lists = string.Join(',', s_lists.Where(server.Announces).Select(static list => $"\"{list}ListChanged\":true"));
        var parameters = LinkCalls.Parameters(McpEra.Modern, $"\"notifications\":{{{lists}}}");
        var request = Encoding.UTF8.GetBytes($$"""{"jsonrpc":"2.0","id":{{id}},"method":"{{McpMethodNames.SubscriptionsListen}}","params":{{parameters}}}""");
        return new OutgoingRequest(id, request, McpMethodNames.SubscriptionsListen);
    }
}
