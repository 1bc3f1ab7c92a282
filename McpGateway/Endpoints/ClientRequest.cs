using McpGateway.Calls;
using McpGateway.Calls.Inputs;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams;

namespace McpGateway.Endpoints;

/// <summary>A client's request, checked as far as its era asks.</summary>
/// <param name="Incoming">The message; valid until the request ends.</param>
/// <param name="Era">How the client speaks.</param>
/// <param name="Scope">The one upstream of the endpoint; null for the aggregate.</param>
/// <param name="Key">Who calls.</param>
/// <param name="Answer">Where the messages to it go.</param>
/// <param name="Parameters">Its headers <c>Mcp-Param-*</c>; null when there are none.</param>
internal sealed record ClientRequest(
    Incoming Incoming,
    McpEra Era,
    Upstream? Scope,
    SessionKey Key,
    AnswerWriter Answer,
    IReadOnlyList<KeyValuePair<string, string>>? Parameters = null)
{
    public ReadOnlyMemory<byte> Message => Incoming.Memory;

    /// <summary>The client behind a legacy session; null for a modern one.</summary>
    public ClientPeer? Peer { get; init; }

    public MessageShape Shape => Incoming.Shape;

    public CallTrace? Trace => Incoming.Trace;

    public ReadOnlyMemory<byte> Id => Incoming.Id;
}
