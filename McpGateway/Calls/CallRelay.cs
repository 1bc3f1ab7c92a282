using System.Text;
using McpGateway.Calls.Inputs;
using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Calls;

/// <summary>How a relay came to its end.</summary>
internal enum RelayEnd
{
    /// <summary>The client has its answer.</summary>
    Answered,

    /// <summary>The upstream waits for its client's input, and the client has been told: the call is to be parked.</summary>
    Parked,

    /// <summary>A modern upstream has asked for input instead of answering, and its client is not simply to be told so.</summary>
    NeedsInput,
}

/// <summary>
/// Passes the messages of one call to its client, in order, and the client's answers to the upstream's questions back. A legacy client is
/// asked on the stream of its call; a modern one is asked in a result, once the upstream has said all that it wants to know.
/// </summary>
internal sealed class CallRelay(ParkedCalls parked, TimeProvider time)
{
    /// <summary>An upstream that asks several things asks them at once; when nothing has come for this long it waits.</summary>
    private static readonly TimeSpan s_quietAfterQuestion = TimeSpan.FromMilliseconds(25);

    private static readonly TimeSpan s_keepAlive = TimeSpan.FromSeconds(15);

    /// <summary>Relays until the end.</summary>
    /// <param name="call">The client's request.</param>
    /// <param name="exchange">The call under way.</param>
    public async Task<RelayEnd> RunAsync(GatewayCall call, CallExchange exchange)
    {
        while (true)
        {
            var message = exchange.HasOpenQuestions ? await exchange.NextWithinAsync(s_quietAfterQuestion) : await NextAsync(call, exchange);
            if (message is null) return RelayEnd.Parked;
            if (message.Shape.Kind == MessageKind.Request)
            {
                exchange.Heard();
                await AskAsync(call, exchange, message);
                continue;
            }

            if (message.IsAnswer && InputRequired.Is(message) && (call.Era == McpEra.Legacy || exchange.Session.Link.KeepsSession))
            {
                exchange.Input = message;
                return RelayEnd.NeedsInput;
            }

            using (message)
            {
                if (message.IsAnswer)
                {
                    await AnswerJudge.CheckAsync(call, exchange.Session, message, exchange.HasRun, exchange.Ended);
                    await exchange.ReleaseAsync();
                    await AnswerAsync(call, exchange, message);
                    return RelayEnd.Answered;
                }

                exchange.Heard();
                await NotifyAsync(call, exchange, message);
            }
        }
    }

    private async Task AnswerAsync(GatewayCall call, CallExchange exchange, UpstreamMessage message)
    {
        using var output = new MessageBuffer(message.Bytes.Length + 64);
        if (message.Shape.Kind == MessageKind.Result)
        {
            AnswerSplicer.WriteResult(output, message, call, exchange.Session.Server.Era);
            exchange.End = new OperationEnd(IsToolError: message.Shape.IsToolError);
            await call.Answer.AnswerAsync(output, isToolError: message.Shape.IsToolError);
            return;
        }

        exchange.End = new OperationEnd(message.Shape.ErrorCode);
        if (IsUrlForModern(call, message) && InputRequired.TryWriteUrls(output, call.ClientId.Span, message.Shape.Error.Of(message.Bytes), parked.SealAgain(call)))
        {
            await call.Answer.AnswerAsync(output);
            return;
        }

        output.Clear();
        await call.Answer.AnswerAsync(output, AnswerSplicer.WriteError(output, message, call));
    }

    /// <summary>What a legacy server says with an error, a modern client is asked.</summary>
    private static bool IsUrlForModern(GatewayCall call, UpstreamMessage message) =>
        message.Shape.ErrorCode == RpcErrorCode.UrlElicitationRequired && call.Era == McpEra.Modern && InputRequired.IsAllowed(call.Shape.Method)
        && call.Capabilities.HasFlag(ClientCapabilities.ElicitationUrl);

    /// <summary>Takes a question of the upstream's over.</summary>
    private static async Task AskAsync(GatewayCall call, CallExchange exchange, UpstreamMessage message)
    {
        var question = new ServerQuestion(exchange.Session.Link, message);
        var refusal = QuestionRule.Refusal(message.Shape.Method, question.Parameters, call.Capabilities & exchange.Session.Profile.Capabilities);
        // In a result a modern client can be asked only where its revision says so.
        if (refusal is null && call.Peer is null && !InputRequired.IsAllowed(call.Shape.Method)) refusal = new RpcError(RpcErrorCode.MethodNotFound, "The client cannot be asked within this request.");
        if (refusal is not null)
        {
            using (question) await question.RefuseAsync(refusal, exchange.Ended);
            return;
        }

        var open = exchange.Ask();
        if (call.Peer is not { } peer)
        {
            open.Keep(question);
            return;
        }

        var pending = await peer.AskAsync(question.Method.ToArray(), question.Parameters.ToArray(), call.Answer.NotifyAsync);
        open.Pending[OpenQuestions.KeyOf(question.Id.Span)] = pending;
        _ = PassAnswerAsync(peer, exchange, question, pending);
    }

    private static async Task PassAnswerAsync(ClientPeer peer, CallExchange exchange, ServerQuestion question, PendingQuestion pending)
    {
        using var asked = question;
        var ended = exchange.Ended;
        try
        {
            await question.AnswerAsync(await pending.Answer.WaitAsync(ended), ended);
        }
        catch (OperationCanceledException)
        {
            // The call is over, or the upstream has taken its question back.
        }
        finally
        {
            peer.Withdraw(pending.Id);
            exchange.Questions!.Pending.TryRemove(OpenQuestions.KeyOf(question.Id.Span), out _);
        }
    }

    private static async Task NotifyAsync(GatewayCall call, CallExchange exchange, UpstreamMessage message)
    {
        if (message.Shape.Method == McpMethod.Cancelled)
        {
            await WithdrawAsync(call, exchange, message);
            return;
        }

        if (!NoticeRule.Passes(call, message)) return;
        using var output = new MessageBuffer(message.Bytes.Length + 64);
        AnswerSplicer.WriteNotice(output, message, call);
        await call.Answer.NotifyAsync(output);
    }

    /// <summary>The upstream takes a question back.</summary>
    private static async Task WithdrawAsync(GatewayCall call, CallExchange exchange, UpstreamMessage message)
    {
        if (exchange.Questions is not { } open) return;
        var id = message.Shape.RequestId.Of(message.Bytes);
        open.Forget(id.Span);
        if (!open.Pending.TryRemove(OpenQuestions.KeyOf(id.Span), out var pending)) return;
        call.Peer?.Withdraw(pending.Id);
        using var output = new MessageBuffer(message.Bytes.Length + 64);
        AnswerSplicer.WriteCancelled(output, message, Encoding.UTF8.GetBytes(pending.Id));
        await call.Answer.NotifyAsync(output);
    }

    private async ValueTask<UpstreamMessage> NextAsync(GatewayCall call, CallExchange exchange)
    {
        var next = exchange.NextAsync();
        if (next.IsCompleted) return await next;
        var waiting = next.AsTask();
        while (true)
        {
            try
            {
                return await waiting.WaitAsync(s_keepAlive, time, CancellationToken.None);
            }
            catch (TimeoutException)
            {
                // Proxies cut what is silent for long.
                await call.Answer.KeepAliveAsync();
            }
        }
    }
}
