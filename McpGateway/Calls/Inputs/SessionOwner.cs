using System.Collections.Concurrent;
using System.Text;
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
    /// <summary>
    /// What the client is being asked and has not answered, by the upstream's id. Filled on the link's reader, before it reads on: a withdrawal
    /// finds its question, though it may still be on its way. Whoever takes one out, and only he, ends it.
    /// </summary>
    private readonly ConcurrentDictionary<string, Task<PendingQuestion?>> _open = new(StringComparer.Ordinal);

    public void Receive(UpstreamLink link, UpstreamMessage message)
    {
        if (message.Shape.Kind == MessageKind.Request)
        {
            _ = AskAsync(new ServerQuestion(link, message));
            return;
        }

        if (message.Shape.Method == McpMethod.Cancelled)
        {
            _ = WithdrawAsync(message);
            return;
        }

        using (message)
        {
            if (peer.Wants(message)) _ = peer.SendAsync(message.Bytes);
        }
    }

    /// <summary>The upstream takes a question back, which the client knows by the gateway's id. What was never asked, or is answered, needs no word.</summary>
    private async Task WithdrawAsync(UpstreamMessage message)
    {
        using var owned = message;
        if (!_open.TryRemove(OpenQuestions.KeyOf(message.Shape.RequestId.Of(message.Bytes.Span)), out var asking) || await asking is not { } pending) return;
        peer.Withdraw(pending.Id);
        using var output = new MessageBuffer(message.Bytes.Length + 64);
        AnswerSplicer.WriteCancelled(output, message, Encoding.UTF8.GetBytes(pending.Id));
        await peer.SendAsync(output.Memory);
    }

    private async Task AskAsync(ServerQuestion question)
    {
        using var asked = question;
        if (QuestionRule.Refusal(question.Shape.Method, question.Parameters, declared) is { } refusal)
        {
            await question.RefuseAsync(refusal, CancellationToken.None);
            return;
        }

        var asking = SendAsync(question);
        var open = KeyValuePair.Create(OpenQuestions.KeyOf(question.Id.Span), asking);
        _open[open.Key] = asking;
        try
        {
            if (await asking is { } pending) await question.AnswerAsync(await pending.Answer, CancellationToken.None);
            else await question.RefuseAsync(new RpcError(RpcErrorCode.InternalError, "The client does not listen outside of its calls."), CancellationToken.None);
        }
        catch (OperationCanceledException)
        {
            // The upstream has taken it back; or the client has left, and its session here goes with it.
        }
        finally
        {
            _open.TryRemove(open);
        }
    }

    /// <summary>Puts the question to the client; null when it does not listen.</summary>
    private async Task<PendingQuestion?> SendAsync(ServerQuestion question)
    {
        var isSent = false;
        var pending = await peer.AskAsync(question.Method.ToArray(), question.Parameters.ToArray(), async message => isSent = await peer.SendAsync(message.Memory));
        if (isSent) return pending;
        peer.Withdraw(pending.Id);
        return null;
    }
}
