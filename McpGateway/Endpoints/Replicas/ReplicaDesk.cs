using System.Collections.Concurrent;
using McpGateway.Protocol;

namespace McpGateway.Endpoints.Replicas;

/// <summary>Does what other gateways ask for. One message after the other, in the order of their coming: nothing here waits.</summary>
internal sealed class ReplicaDesk(ClientSessions sessions, SseEndpoint pairs, IReplicas replicas, ReplicaQuestions questions, RelayedStreams relayed, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, StreamRelay> _relays = new(StringComparer.Ordinal);

    public void Take(ReplicaMessage message)
    {
        switch (message.Kind)
        {
            case ReplicaMessageKind.End:
                sessions.EndHere(message.Session);
                break;
            case ReplicaMessageKind.Client when message.Body is { } body && sessions.Peek(message.Session) is { } session:
                TakeClients(session, body);
                break;
            case ReplicaMessageKind.Outside when message.Body is { } body && sessions.Peek(message.Session) is { } session:
                session.Streams.TrySend(body);
                break;
            case ReplicaMessageKind.Resume:
                Resume(message);
                break;
            case ReplicaMessageKind.Batch:
                relayed.Take(message);
                break;
            case ReplicaMessageKind.Acknowledge when message.Relay is { } id && _relays.TryGetValue(id, out var relay):
                relay.Acknowledge(message.Number);
                break;
            case ReplicaMessageKind.Leave when message.Relay is { } id && _relays.TryGetValue(id, out var relay):
                relay.Leave();
                break;
            case ReplicaMessageKind.Pair when message.Body is { } body:
                questions.Reply(message, pairs.TakeElsewhere(message.Session, message.Scope, body));
                break;
            case ReplicaMessageKind.Reply:
                questions.Take(message);
                break;
        }
    }

    /// <summary>Lets go of relays whose other gateway is not heard of any more.</summary>
    public void Sweep()
    {
        foreach (var relay in _relays.Values)
        {
            if (relay.IsSilent) relay.Leave();
        }
    }

    private void Resume(ReplicaMessage message)
    {
        if (message is not { Relay: { } id, Stream: { } name, From: { } from } || sessions.Peek(message.Session) is not { } session || session.Streams.Find(name) is not { } stream)
        {
            questions.Reply(message, StatusCodes.Status404NotFound);
            return;
        }

        // There before the reply, which the first acknowledgement follows.
        var relay = _relays[id] = new StreamRelay(replicas, from, id, session, stream, time);
        _ = RelayAsync(id, relay, message.Number);
        questions.Reply(message, StatusCodes.Status200OK);
    }

    private async Task RelayAsync(string id, StreamRelay relay, long after)
    {
        try
        {
            await relay.RunAsync(after);
        }
        finally
        {
            _relays.TryRemove(id, out _);
        }
    }

    private static void TakeClients(ClientSession session, byte[] body)
    {
        try
        {
            session.TryTake(MessageScanner.Scan(body), body);
        }
        catch (MessageRefusedException)
        {
            // The other gateway has scanned it too; this one knows the protocol otherwise.
        }
    }
}
