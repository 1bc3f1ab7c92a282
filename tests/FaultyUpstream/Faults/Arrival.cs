using FaultyUpstream.Protocol;

namespace FaultyUpstream.Faults;

/// <summary>Something a client sent, before anybody looks at what it asks for.</summary>
/// <param name="Transport">How it came.</param>
/// <param name="Label">Its method, or <see cref="Methods.Get"/>, <see cref="Methods.Delete"/>, <see cref="Methods.Answer"/>.</param>
/// <param name="SessionId">The session it claims to belong to.</param>
/// <param name="ConnectionId">The connection it came on; null on stdio.</param>
/// <param name="Message">The message; null for GET and DELETE.</param>
internal sealed record Arrival(UpstreamTransport Transport, string Label, string? SessionId, string? ConnectionId, RpcMessage? Message)
{
    public bool IsKnownMethod { get; init; } = true;
}
