using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams;

namespace McpGateway.Endpoints;

/// <summary>A client's request, checked as far as its era asks.</summary>
/// <param name="Message">The message; valid until the request ends.</param>
/// <param name="Shape">Its scan.</param>
/// <param name="Era">How the client speaks.</param>
/// <param name="Scope">The one upstream of the endpoint; null for the aggregate.</param>
/// <param name="Key">Who calls.</param>
internal sealed record ClientRequest(ReadOnlyMemory<byte> Message, MessageShape Shape, McpEra Era, Upstream? Scope, SessionKey Key)
{
    public ReadOnlyMemory<byte> Id => Shape.Id.Of(Message);
}
