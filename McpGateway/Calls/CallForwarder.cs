using System.Diagnostics;
using System.Text;
using McpGateway.Calls.Inputs;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams.Links;

namespace McpGateway.Calls;

/// <summary>
/// Takes a call to its upstream on a leased session and its messages back. What is repeated, <see cref="RepeatRule"/> says; of
/// what may have run the client is told so.
/// </summary>
internal sealed class CallForwarder(CallRelay relay, ParkedCalls parked, IParkedElsewhere elsewhere, TimeProvider time, ILogger<CallForwarder> logger)
{
    private static readonly TimeSpan s_cancelTimeout = TimeSpan.FromSeconds(2);

    /// <summary>Runs the call to its end; the answer, or the error, has then been written.</summary>
    /// <param name="call">The call.</param>
    /// <param name="cancellationToken">Cancelled when the client gives the call up. It then gets no answer.</param>
    public async Task ForwardAsync(GatewayCall call, CancellationToken cancellationToken)
    {
        using var activity = GatewayTelemetry.StartCall(call);
        try
        {
            await ForwardOrRepeatAsync(call, cancellationToken);
        }
        catch (UpstreamException exception)
        {
            await FailAsync(call, activity, exception);
        }
        catch (InputRefusedException refused)
        {
            await call.Answer.FailAsync(refused.Error, call.ClientId);
        }
    }

    private async Task ForwardOrRepeatAsync(GatewayCall call, CancellationToken cancellationToken)
    {
        if (call.Shape.RequestState.IsEmpty || call.Era == McpEra.Legacy)
        {
            await SendOrRepeatAsync(call, cancellationToken);
            return;
        }

        var state = parked.Verify(call);
        // A modern upstream gives states of its own, which mean nothing here.
        if (state is not null || (await call.Upstream.KnowAsync(cancellationToken)).Era == McpEra.Legacy) await GoOnAsync(call, state, cancellationToken);
        else await SendOrRepeatAsync(call, cancellationToken);
    }

    private async Task SendOrRepeatAsync(GatewayCall call, CancellationToken cancellationToken)
    {
        TimeSpan? pause = null;
        for (var attempt = 1; ; attempt++)
        {
            if (pause is { } wait) await Task.Delay(wait, time, cancellationToken);
            var lease = await call.Upstream.LeaseAsync(call.Key, cancellationToken);
            var isParked = false;
            // Before it is sent: whatever becomes of the call, the session is closed at its return.
            if (BurnRule.Find(call, lease.Session) is { } burned) lease.Break(burned);
            try
            {
                isParked = await ExchangeAsync(call, lease, cancellationToken);
                call.Upstream.Calls.Answered(call.MethodName, attempt);
                return;
            }
            catch (UpstreamException exception) when (RepeatRule.Allows(call, exception, attempt))
            {
                if (exception.Kind != FailureKind.OutcomeUnknown || lease.Session.Link.KeepsSession) lease.Break(CloseReason.Of(exception));
                pause = exception.RetryAfter;
                call.Upstream.Calls.Repeated(exception);
                logger.CallRepeated(call.MethodName, call.Upstream.Name, exception.Kind, exception.Message);
            }
            catch (Exception exception)
            {
                await JudgeAsync(call, lease, exception);
                throw;
            }
            finally
            {
                if (!isParked) await lease.DisposeAsync();
            }
        }
    }

    /// <summary>Goes on with a call that waits for its client's answers, which this request brings.</summary>
    private async Task GoOnAsync(GatewayCall call, RequestState? state, CancellationToken cancellationToken)
    {
        if (state is null)
        {
            await call.Answer.FailAsync(new RpcError(RpcErrorCode.InvalidParams, "params.requestState is not of this request or has expired, or the configuration of its upstream has changed. Start again without it.", Upstream: call.Upstream.Name), call.ClientId);
            return;
        }

        if (InputRequired.ReadResponses(call.Shape.InputResponses.Of(call.Message)) is not { } answers)
        {
            await call.Answer.FailAsync(new RpcError(RpcErrorCode.InvalidParams, "params.inputResponses must be an object."), call.ClientId);
            return;
        }

        if (state.Continuation is null)
        {
            await SendOrRepeatAsync(InputRewrite.Without(call), cancellationToken);
            return;
        }

        if (parked.Claim(state) is not { } waiting)
        {
            if (!parked.IsHere(state) && await elsewhere.TryGoOnAsync(call, state.Owner, cancellationToken)) return;
            await call.Answer.FailAsync(new RpcError(RpcErrorCode.InvalidParams, "The call that params.requestState belongs to does not wait any more: it has been answered, given up, or was lost with its gateway. Start again without it.", Upstream: call.Upstream.Name), call.ClientId);
            return;
        }

        var isParked = false;
        try
        {
            isParked = waiting.Exchange is { } exchange
                ? await RunAsync(call, waiting.Lease, exchange, answers, cancellationToken) == RelayEnd.Parked
                : await ExchangeAsync(InputRewrite.With(call, call.Shape.InputResponses.Of(call.Message.Span), waiting.UpstreamState.Span), waiting.Lease, cancellationToken);
        }
        catch (Exception exception)
        {
            await JudgeAsync(call, waiting.Lease, exception);
            throw;
        }
        finally
        {
            if (!isParked) await waiting.Lease.DisposeAsync();
        }
    }

    /// <summary>Runs a call from its request on; asks a legacy client, for a modern upstream, as often as that may want.</summary>
    /// <returns>True when the call has been parked, and the lease with it.</returns>
    private async Task<bool> ExchangeAsync(GatewayCall call, SessionLease lease, CancellationToken cancellationToken)
    {
        var current = call;
        for (var round = 0; round <= InputRounds.Most; round++)
        {
            var exchange = new CallExchange(lease.Session, time);
            var end = await RunAsync(current, lease, exchange, null, cancellationToken);
            if (end != RelayEnd.NeedsInput) return end == RelayEnd.Parked;
            using var input = exchange.Input!;
            if (call.Era == McpEra.Modern)
            {
                await KeepAsync(call, lease, input);
                return true;
            }

            current = await InputRounds.AskAsync(call, input, cancellationToken);
        }

        throw new InputRefusedException(new RpcError(RpcErrorCode.InternalError, $"Upstream '{call.Upstream.Name}' asked for input more than {InputRounds.Most} times.", Upstream: call.Upstream.Name));
    }

    /// <summary>
    /// One of the client's requests with the call: from what it sends to the answer or the park. The deadline starts here: waiting for a session
    /// has its own, and a call that never got one has not run.
    /// </summary>
    /// <param name="call">The request.</param>
    /// <param name="lease">What the call holds; goes with it into the park.</param>
    /// <param name="exchange">The call; taken over.</param>
    /// <param name="answers">What the client has answered, by key; null for a call that is yet to be sent.</param>
    /// <param name="cancellationToken">Cancelled when the client gives it up.</param>
    private async Task<RelayEnd> RunAsync(GatewayCall call, SessionLease lease, CallExchange exchange, Dictionary<string, ReadOnlyMemory<byte>>? answers, CancellationToken cancellationToken)
    {
        var timeout = call.Upstream.Config.Pool.CallTimeout;
        var started = call.Upstream.Calls.Start();
        OperationEnd end = new(Failure: "cancelled");
        var isParked = false;
        exchange.Lease = lease;
        try
        {
            await using (exchange.Follow(timeout, cancellationToken))
            await using (exchange.EndWith(call.Upstream.Abandoned))
            {
                if (answers is null) await SendAsync(call, exchange);
                else await AnswerAsync(exchange, answers);
                var relayed = await relay.RunAsync(call, exchange);
                end = exchange.End;
                if (relayed != RelayEnd.Parked)
                {
                    if (end.ErrorCode == 0) Remember(call);
                    return relayed;
                }
            }

            exchange.Ended.ThrowIfCancellationRequested();
            isParked = true;
            await ParkAsync(call, exchange, lease);
            return RelayEnd.Parked;
        }
        catch (UpstreamException exception)
        {
            end = new OperationEnd(Failure: PoolMeter.Spell(exception.Kind));
            throw;
        }
        catch (OperationCanceledException exception)
        {
            if (!exchange.IsAnswered) await CancelUpstreamAsync(exchange.Session.Link, exchange.Id);
            if (cancellationToken.IsCancellationRequested) throw;
            end = new OperationEnd(Failure: PoolMeter.Spell(FailureKind.TimedOut));
            throw new UpstreamException(FailureKind.TimedOut, call.Upstream.Abandoned.IsCancellationRequested
                ? "No answer came before the gateway had to let go of it: the gateway stops, or the upstream's configuration has changed (Gateway:DrainTimeout is how long it waits)."
                : $"No answer came within {timeout.TotalSeconds:0.#} s.", exception);
        }
        finally
        {
            call.Upstream.Calls.Ended(call, lease.Session, started, end);
            if (!isParked) await exchange.DisposeAsync();
        }
    }

    private static async Task SendAsync(GatewayCall call, CallExchange exchange)
    {
        await Ownership.TakeAsync(call, exchange.Session, exchange.Ended);
        await Ownership.ListenAsync(call, exchange.Session, exchange.Ended);
        await exchange.SendAsync(call);
    }

    private static async Task AnswerAsync(CallExchange exchange, Dictionary<string, ReadOnlyMemory<byte>> answers)
    {
        var kept = exchange.Questions!.Kept;
        foreach (var (key, question) in kept.Where(open => answers.ContainsKey(open.Key)).ToArray())
        {
            kept.Remove(key);
            using (question) await question.AnswerAsync(answers[key].Span, exchange.Ended);
        }
    }

    /// <summary>Passes a modern upstream's questions on, and keeps the process that has asked them for the answers.</summary>
    private async Task KeepAsync(GatewayCall call, SessionLease lease, UpstreamMessage input)
    {
        using var output = new MessageBuffer(input.Bytes.Length + 512);
        InputRequired.WriteWithState(output, call.ClientId.Span, input, parked.Keep(call, lease, InputRequired.ReadState(input)));
        await call.Answer.AnswerAsync(output);
    }

    /// <summary>Parks the call and tells its client what the upstream wants to know. The client may be back before this has returned.</summary>
    private async Task ParkAsync(GatewayCall call, CallExchange exchange, SessionLease lease)
    {
        using var requests = new MessageBuffer(1024);
        using var output = new MessageBuffer(1024);
        // Written before the park: from then on the questions are whoever's takes the call.
        InputRequired.WriteRequests(requests, exchange.Questions!.Kept);
        InputRequired.Write(output, call.ClientId.Span, requests.Span, parked.Park(call, exchange, lease));
        await call.Answer.AnswerAsync(output);
    }

    /// <summary>What a client has asked for, for as long as it is there, holds on its next upstream session too.</summary>
    private static void Remember(GatewayCall call)
    {
        if (call.Peer is { } peer && call.Shape.Method is McpMethod.ResourcesSubscribe or McpMethod.ResourcesUnsubscribe)
            peer.Subscribe(call.Upstream.Name, Encoding.UTF8.GetString(call.Shape.Uri.Of(call.Message.Span)), wanted: call.Shape.Method == McpMethod.ResourcesSubscribe);
    }

    private async Task CancelUpstreamAsync(UpstreamLink link, long id)
    {
        if (link.ClosingCancels || link.BrokenReason is not null) return;
        using var deadline = new CancellationTokenSource(s_cancelTimeout, time);
        try
        {
            var notice = Encoding.UTF8.GetBytes($$$"""{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{{{id}}},"reason":"The caller gave the call up."}}""");
            await link.SendNotificationAsync(notice, McpMethod.Cancelled, deadline.Token);
        }
        catch (Exception exception) when (exception is UpstreamException or OperationCanceledException or ObjectDisposedException)
        {
            logger.CallFailed(McpMethodNames.Cancelled, "", FailureKind.Unreachable, exception.Message);
        }
    }

    /// <summary>Decides from a failure what becomes of the session and of what is remembered.</summary>
    private async Task JudgeAsync(GatewayCall call, SessionLease lease, Exception exception)
    {
        var link = lease.Session.Link;
        switch (exception)
        {
            case OperationCanceledException when link.KeepsSession:
                await LeaveAsync(lease);
                break;
            case UpstreamException { Kind: FailureKind.SessionLost } lost:
                lease.Break(CloseReason.Of(lost));
                break;
            case UpstreamException { Kind: FailureKind.OutcomeUnknown } unknown when link.KeepsSession:
                lease.Break(CloseReason.Of(unknown));
                break;
            case UpstreamException { Kind: FailureKind.TimedOut } when lease.Session.PinnedTo is null && link.KeepsSession:
                lease.Break(CloseReason.TimedOut);
                break;
            case UpstreamException { Kind: FailureKind.NotMcp, Status: 400 or 404 or 405 or 406 } changed when !link.KeepsSession:
                // A stateless upstream that no longer takes the request at all has become something else.
                lease.Break(CloseReason.Of(changed));
                call.Upstream.Forget(exception.Message);
                break;
        }
    }

    /// <summary>What a cancelled call left behind on a session must not meet the next caller; one who keeps a session for himself goes on with it, if it lives.</summary>
    private async Task LeaveAsync(SessionLease lease)
    {
        if (lease.Session.PinnedTo is null) lease.Break(CloseReason.Cancelled);
        // A link that learns that its session is gone says so itself; a server that is still busy with the call is none of that.
        else await LinkCalls.PingAsync(lease.Session.Link, s_cancelTimeout, time);
    }

    private async Task FailAsync(GatewayCall call, Activity? activity, UpstreamException exception)
    {
        activity?.SetStatus(ActivityStatusCode.Error, exception.Kind.ToString());
        call.Upstream.Calls.Failed(call.MethodName, exception);
        logger.CallFailed(call.MethodName, call.Upstream.Name, exception.Kind, exception.Message);
        await call.Answer.FailAsync(CallErrors.Explain(call.Upstream.Name, exception), call.ClientId);
    }
}
