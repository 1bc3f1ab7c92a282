using System.Text;
using McpGateway.Endpoints.Streams;
using McpGateway.Protocol;

namespace McpGateway.Endpoints.Subscriptions;

/// <summary>One <c>subscriptions/listen</c> of a client of 2026-07-28: its stream, and what it is told on it. Every message names the request that asked for it.</summary>
internal sealed class ClientSubscription(string? scope, SubscriptionFilter filter, ReadOnlySpan<byte> requestId, ClientStream stream)
{
    private readonly string _meta = $"\"_meta\":{{\"{Envelope.SubscriptionId}\":{Encoding.UTF8.GetString(requestId)}}}";
    private readonly byte[] _id = requestId.ToArray();

    /// <summary>The upstream of its endpoint; null for the aggregate.</summary>
    public string? Scope => scope;

    public bool Wants(McpMethod list) => filter.Wants(list);

    /// <summary>Says what will be told; comes before everything else.</summary>
    public void Acknowledge() => Send(McpMethodNames.SubscriptionAcknowledged, $",\"notifications\":{filter.ToJson()}");

    /// <summary>Tells of a changed list; a change of one that the client has not been told of yet adds nothing.</summary>
    public void Tell(string method) => Send(method, "", once: method);

    /// <summary>Ends it in order, as at a stop of the gateway.</summary>
    public void Close() => stream.Finish(Encoding.UTF8.GetBytes($"{{\"jsonrpc\":\"2.0\",\"id\":{Encoding.UTF8.GetString(_id)},\"result\":{{\"resultType\":\"complete\",{_meta}}}}}"));

    private void Send(string method, string more, string? once = null) =>
        stream.Append(Encoding.UTF8.GetBytes($"{{\"jsonrpc\":\"2.0\",\"method\":\"{method}\",\"params\":{{{_meta}{more}}}}}"), once);
}
