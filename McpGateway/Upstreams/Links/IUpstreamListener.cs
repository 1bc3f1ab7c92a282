using McpGateway.Sessions;

namespace McpGateway.Upstreams.Links;

/// <summary>
/// Takes what an upstream says outside of any call: requests and notifications for the client that a session belongs to. Called on the
/// link's reader, so that it must not block.
/// </summary>
internal interface IUpstreamListener
{
    /// <summary>Takes the message over, and with it the duty to dispose it; a request has to be answered on the link it came from.</summary>
    void Receive(UpstreamLink link, UpstreamMessage message);
}
