using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams.Links;

namespace McpGateway.Calls.Inputs;

/// <summary>
/// A legacy client as the owner of an upstream session: what the upstream says on it outside of any call goes to that client, and to nobody
/// else. One per session, from the client's first call on it.
/// </summary>
internal sealed class SessionOwner(ClientPeer peer, ClientCapabilities declared) : IUpstreamListener
{
    public void Receive(UpstreamLink link, UpstreamMessage message)
    {
        if (message.Shape.Kind == MessageKind.Request)
        {
            _ = AskAsync(new ServerQuestion(link, message));
            return;
        }

        using (message)
        {
            if (peer.Wants(message)) _ = peer.SendAsync(message.Bytes);
        }
    }

    private async Task AskAsync(ServerQuestion question)
    {
        using var asked = question;
        if (QuestionRule.Refusal(question.Shape.Method, question.Parameters, declared) is { } refusal)
        {
            await question.RefuseAsync(refusal, CancellationToken.None);
            return;
        }

        try
        {
            var isSent = false;
            var pending = await peer.AskAsync(question.Method.ToArray(), question.Parameters.ToArray(), async message => isSent = await peer.SendAsync(message.Memory));
            if (!isSent)
            {
                peer.Withdraw(pending.Id);
                await question.RefuseAsync(new RpcError(RpcErrorCode.InternalError, "The client does not listen outside of its calls."), CancellationToken.None);
                return;
            }

            await question.AnswerAsync(await pending.Answer, CancellationToken.None);
        }
        catch (OperationCanceledException)
        {
            // The client has left, and its session here goes with it.
        }
    }
}
