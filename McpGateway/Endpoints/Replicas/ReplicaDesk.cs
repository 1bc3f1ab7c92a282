using McpGateway.Protocol;

namespace McpGateway.Endpoints.Replicas;

/// <summary>Does what other gateways ask for. One message after the other, in the order of their coming: nothing here waits.</summary>
internal sealed class ReplicaDesk(ClientSessions sessions)
{
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
