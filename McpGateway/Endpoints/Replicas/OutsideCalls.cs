using McpGateway.Endpoints.Streams;

namespace McpGateway.Endpoints.Replicas;

/// <summary>
/// Sends a session's client what upstreams say outside its calls: on a GET stream here, else to the gateway that it listens at, else
/// on one here that waits for its client's return. In the order of their coming; only what goes elsewhere waits.
/// </summary>
internal sealed class OutsideCalls(string session, SessionStreams streams, IReplicas replicas)
{
    private readonly Lock _lock = new();
    private Task<bool> _last = Task.FromResult(true);

    /// <summary>Sends a message, and copies it before this returns; false when the client has never listened.</summary>
    public Task<bool> SendAsync(ReadOnlyMemory<byte> message)
    {
        lock (_lock)
        {
            if (_last.IsCompleted && (replicas.Name.Length == 0 || streams.IsListenedTo)) return Task.FromResult(streams.TrySend(message.Span));
            return _last = SendElsewhereAsync(_last, message.ToArray());
        }
    }

    private async Task<bool> SendElsewhereAsync(Task before, byte[] message)
    {
        await before;
        return await replicas.TrySendToListenerAsync(new ReplicaMessage(ReplicaMessageKind.Outside, session) { Body = message }) || streams.TrySend(message);
    }
}
