using System.Collections.Concurrent;

namespace McpGateway.Endpoints.Streams;

/// <summary>
/// Every connection that carries a stream. One round for all of them says that the silent ones live; a stopping gateway ends
/// those that wait for nothing in particular, so that their clients go to another.
/// </summary>
internal sealed class StreamHub
{
    /// <summary>What clients are told to wait before they come back to a gateway that stops.</summary>
    private static readonly TimeSpan s_comeBack = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<StreamConnection, bool> _connections = new();

    public int Count => _connections.Count;

    public void Add(StreamConnection connection) => _connections[connection] = true;

    public void Remove(StreamConnection connection) => _connections.TryRemove(connection, out _);

    /// <summary>Makes silent connections say that they live.</summary>
    public void Beat()
    {
        foreach (var (connection, _) in _connections) connection.Beat();
    }

    /// <summary>Ends the streams that were opened by GET, those of other gateways among them. Subscriptions end by themselves, with a message that says so.</summary>
    public void EndListening() => End(static connection => connection.Stream.Kind is StreamKind.Listening or StreamKind.Relayed);

    /// <summary>Ends the streams of the HTTP+SSE pair, once no call is under way that answers on them.</summary>
    public void EndPairs() => End(static connection => connection.Stream.Kind == StreamKind.Pair);

    private void End(Func<StreamConnection, bool> which)
    {
        foreach (var (connection, _) in _connections)
        {
            if (which(connection)) connection.End(connection.Stream.IsResumable || connection.Stream.Kind == StreamKind.Relayed ? s_comeBack : null);
        }
    }
}
