using System.Collections.Concurrent;
using McpGateway.Protocol;

namespace McpGateway.Endpoints.Replicas;

/// <summary>Does what other gateways ask for. One message after the other, in the order of their coming: nothing here waits.</summary>
internal sealed class ReplicaDesk(ClientSessions sessions, SseEndpoint pairs, IReplicas replicas, ReplicaQuestions questions, RelayedStreams relayed, CallsForOthers calls, ForwardedCalls forwarded, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, RelayLine> _lines = new(StringComparer.Ordinal);

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
            case ReplicaMessageKind.GoOn:
                GoOn(message);
                break;
            case ReplicaMessageKind.Part:
                forwarded.Take(message);
                break;
            case ReplicaMessageKind.Acknowledge when message.Relay is { } id:
                Acknowledge(message, id);
                break;
            case ReplicaMessageKind.Leave when message.Relay is { } id:
                Leave(id);
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
        foreach (var line in _lines.Values)
        {
            if (line.IsSilent) line.Leave();
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
        var line = _lines[id] = new RelayLine(replicas, from, id, message.Session, time);
        _ = RelayAsync(id, new StreamRelay(line, stream).RunAsync(message.Number));
        questions.Reply(message, StatusCodes.Status200OK);
    }

    private void GoOn(ReplicaMessage message)
    {
        if (message is not { Relay: { } id, From: { } from })
        {
            questions.Reply(message, StatusCodes.Status404NotFound);
            return;
        }

        var line = new RelayLine(replicas, from, id, message.Session, time);
        var answer = new AnswerRelay(line);
        if (calls.Read(message, answer) is not { } call)
        {
            questions.Reply(message, StatusCodes.Status404NotFound);
            return;
        }

        _lines[id] = line;
        _ = RelayAsync(id, calls.RunAsync(call, answer, line));
        questions.Reply(message, StatusCodes.Status200OK);
    }

    private async Task RelayAsync(string id, Task relaying)
    {
        try
        {
            await relaying;
        }
        finally
        {
            _lines.TryRemove(id, out _);
        }
    }

    private void Acknowledge(ReplicaMessage message, string id)
    {
        if (_lines.TryGetValue(id, out var line)) line.Acknowledge(message.Number);
        // Let go of here: who still waits there is not to wait for ever.
        else if (message.From is { } from) _ = replicas.PostAsync(from, new ReplicaMessage(ReplicaMessageKind.Leave, message.Session) { Relay = id });
    }

    private void Leave(string id)
    {
        if (_lines.TryGetValue(id, out var line))
        {
            line.Leave();
            return;
        }

        relayed.Lose(id);
        forwarded.Lose(id);
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
