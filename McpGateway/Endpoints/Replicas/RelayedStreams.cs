using System.Collections.Concurrent;
using McpGateway.Endpoints.Streams;

namespace McpGateway.Endpoints.Replicas;

/// <summary>
/// Streams that clients have come back for here while another gateway keeps them. That gateway goes on to own them: it sends what
/// there is, batch by batch, and here it is only passed on.
/// </summary>
internal sealed class RelayedStreams(IReplicas replicas, ReplicaQuestions questions, StreamHub hub, TimeProvider time)
{
    // The owner sends one batch at a time; that is the bound.
    private static readonly StreamBounds s_unbounded = new(int.MaxValue, long.MaxValue);

    private readonly ConcurrentDictionary<string, RelayedStream> _open = new(StringComparer.Ordinal);

    /// <summary>Passes a stream on until it ends, its client goes, or its owner dies.</summary>
    /// <param name="context">The client's request.</param>
    /// <param name="session">Its session.</param>
    /// <param name="from">The last event that it has.</param>
    /// <param name="lost">Writes what the client is told when the answer dies with the owner; null for a stream that answers nothing.</param>
    /// <returns>200 when the response has been written, 404 when the owner is dead or does not keep the stream, else how asking failed.</returns>
    public async Task<int> SendAsync(HttpContext context, ClientSession session, StreamEventId from, byte[]? lost)
    {
        var relayed = new RelayedStream(RedisReplicas.NewId(), new SessionStreams(s_unbounded, time).Open(StreamKind.Relayed));
        _open[relayed.Id] = relayed;
        try
        {
            var status = await questions.AskAsync(from.Owner!, new ReplicaMessage(ReplicaMessageKind.Resume, session.Id) { Relay = relayed.Id, Stream = from.Stream, Number = from.Sequence });
            if (status != StatusCodes.Status200OK) return status;
            await PassOnAsync(context, session, from.Owner!, relayed, lost);
            return status;
        }
        finally
        {
            _open.TryRemove(relayed.Id, out _);
            _ = replicas.PostAsync(from.Owner!, new ReplicaMessage(ReplicaMessageKind.Leave, session.Id) { Relay = relayed.Id });
        }
    }

    /// <summary>Takes a batch from its owner.</summary>
    public void Take(ReplicaMessage batch)
    {
        if (batch is not { Relay: { } id, Body: { } body, From: { } owner } || !_open.TryGetValue(id, out var relayed)) return;
        if (batch.Number == relayed.Taken + 1)
        {
            relayed.Stream.Append(body);
            relayed.Taken = batch.Number;
            if (batch.IsOver) relayed.Stream.Complete();
        }

        _ = AcknowledgeAsync(owner, batch.Session, relayed);
    }

    /// <summary>The owner has let go of it: the client comes back with what it has got.</summary>
    public void Lose(string id)
    {
        if (_open.TryGetValue(id, out var relayed)) relayed.Stream.Complete();
    }

    private async Task PassOnAsync(HttpContext context, ClientSession session, string owner, RelayedStream relayed, byte[]? lost)
    {
        // It is attached when this returns: the first batch finds a reader.
        var sending = new StreamConnection(context, relayed.Stream, hub).RunAsync();
        while (!sending.IsCompleted)
        {
            switch (await AcknowledgeAsync(owner, session.Id, relayed))
            {
                case PostOutcome.Dead:
                    if (lost is not null) relayed.Stream.Append(lost);
                    relayed.Stream.Complete();
                    break;
                case PostOutcome.Unavailable:
                    // The client comes back with what it has got.
                    relayed.Stream.Complete();
                    break;
            }

            await Task.WhenAny(sending, Task.Delay(RelayLine.Beat, time));
        }

        await sending;
    }

    private async Task<PostOutcome> AcknowledgeAsync(string owner, string session, RelayedStream relayed)
    {
        // Not before the client has read it: nobody sends faster than it reads.
        await relayed.Stream.RoomAsync();
        return await replicas.PostAsync(owner, new ReplicaMessage(ReplicaMessageKind.Acknowledge, session) { Relay = relayed.Id, Number = relayed.Taken });
    }

    /// <summary>One of them. Only the desk, which takes one message after the other, changes it.</summary>
    private sealed class RelayedStream(string id, ClientStream stream)
    {
        private long _taken;

        public string Id => id;

        public ClientStream Stream => stream;

        /// <summary>Number of the last batch.</summary>
        public long Taken { get => Volatile.Read(ref _taken); set => Volatile.Write(ref _taken, value); }
    }
}
