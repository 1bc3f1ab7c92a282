using System.Diagnostics;
using System.Text;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams.Links;

namespace McpGateway.Calls;

/// <summary>
/// Takes a call to its upstream on a leased session and its messages back. What is repeated, <see cref="RepeatRule"/> says; of
/// what may have run the client is told so.
/// </summary>
internal sealed class CallForwarder(TimeProvider time, ILogger<CallForwarder> logger)
{
    private static readonly TimeSpan s_quiet = TimeSpan.FromSeconds(15);
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
    }

    private async Task ForwardOrRepeatAsync(GatewayCall call, CancellationToken cancellationToken)
    {
        TimeSpan? pause = null;
        for (var attempt = 1; ; attempt++)
        {
            if (pause is { } wait) await Task.Delay(wait, time, cancellationToken);
            await using var lease = await call.Upstream.LeaseAsync(call.Key, cancellationToken);
            // Before it is sent: whatever becomes of the call, the session is closed at its return.
            if (BurnRule.Find(call, lease.Session) is { } burned) lease.Break(burned);
            try
            {
                await ExchangeInTimeAsync(call, lease.Session, cancellationToken);
                call.Upstream.Calls.Answered(call.MethodName, attempt);
                return;
            }
            catch (UpstreamException exception) when (RepeatRule.Allows(call, exception, attempt))
            {
                if (exception.Kind != FailureKind.OutcomeUnknown || lease.Session.Link.KeepsSession) lease.Break(exception.Message);
                pause = exception.RetryAfter;
                call.Upstream.Calls.Repeated(exception);
                logger.CallRepeated(call.MethodName, call.Upstream.Name, exception.Kind, exception.Message);
            }
            catch (UpstreamException exception)
            {
                Judge(call, lease, exception);
                throw;
            }
            catch (OperationCanceledException)
            {
                await LeaveAsync(lease);
                throw;
            }
        }
    }

    /// <summary>What a cancelled call left behind on a session must not meet the next caller; one who keeps a session for himself goes on with it, if it lives.</summary>
    private async Task LeaveAsync(SessionLease lease)
    {
        var (session, link) = (lease.Session, lease.Session.Link);
        if (!link.KeepsSession) return;
        if (session.PinnedTo is null) lease.Break(CloseReason.Cancelled);
        // A link that learns that its session is gone says so itself; a server that is still busy with the call is none of that.
        else await LinkCalls.PingAsync(link, s_cancelTimeout, time);
    }

    /// <summary>The deadline starts with the exchange: waiting for a session has its own, and a call that never got one has not run.</summary>
    private async Task ExchangeInTimeAsync(GatewayCall call, UpstreamSession session, CancellationToken cancellationToken)
    {
        var timeout = call.Upstream.Config.Pool.CallTimeout;
        using var deadline = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        var started = call.Upstream.Calls.Start();
        OperationEnd end = new(Failure: "cancelled");
        try
        {
            end = await ExchangeAsync(call, session, either.Token);
        }
        catch (UpstreamException exception)
        {
            end = new OperationEnd(Failure: PoolMeter.Spell(exception.Kind));
            throw;
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            end = new OperationEnd(Failure: PoolMeter.Spell(FailureKind.TimedOut));
            throw new UpstreamException(FailureKind.TimedOut, $"No answer came within {timeout.TotalSeconds:0.#} s.", exception);
        }
        finally
        {
            call.Upstream.Calls.Ended(call, session, started, end);
        }
    }

    /// <summary>One round trip; says by what the answer ended it.</summary>
    private async Task<OperationEnd> ExchangeAsync(GatewayCall call, UpstreamSession session, CancellationToken cancellationToken)
    {
        var link = session.Link;
        var id = link.NextId();
        using var message = RequestSplicer.Splice(call, id, session.Server.Era);
        var request = new OutgoingRequest(id, message.Memory, call.MethodName, call.Target, call.Parameters) { IsClients = true };
        try
        {
            await using var exchange = await link.SendRequestAsync(request, cancellationToken);
            for (var hasRun = false; ; hasRun = true)
            {
                if (await RelayAsync(call, session, exchange, hasRun, cancellationToken) is { } end) return end;
            }
        }
        catch (OperationCanceledException)
        {
            await CancelUpstreamAsync(link, id);
            throw;
        }
    }

    /// <summary>Passes one message on; null unless it was the answer.</summary>
    private async Task<OperationEnd?> RelayAsync(GatewayCall call, UpstreamSession session, UpstreamExchange exchange, bool hasRun, CancellationToken cancellationToken)
    {
        using var message = await NextAsync(call, exchange, cancellationToken);
        if (message.IsAnswer) await AnswerJudge.CheckAsync(call, session, message, hasRun, cancellationToken);
        using var output = new MessageBuffer(message.Bytes.Length + 64);
        switch (message.Shape.Kind)
        {
            case MessageKind.Result:
                AnswerSplicer.WriteResult(output, message, call.ClientId, call.Era, session.Server.Era);
                await call.Answer.AnswerAsync(output, isToolError: message.Shape.IsToolError);
                return new OperationEnd(IsToolError: message.Shape.IsToolError);
            case MessageKind.Error:
                AnswerSplicer.WriteError(output, message, call.ClientId);
                await call.Answer.AnswerAsync(output, message.Shape.ErrorCode);
                return new OperationEnd(message.Shape.ErrorCode);
            case MessageKind.Notification when message.Shape.Method == McpMethod.Progress && !call.Shape.AskedProgressToken.IsEmpty:
                AnswerSplicer.WriteProgress(output, message, call.Shape.AskedProgressToken.Of(call.Message));
                await call.Answer.NotifyAsync(output);
                return null;
            case MessageKind.Request:
                await session.Link.RefuseAsync(message, cancellationToken);
                return null;
            default:
                return null;
        }
    }

    private async ValueTask<UpstreamMessage> NextAsync(GatewayCall call, UpstreamExchange exchange, CancellationToken cancellationToken)
    {
        var next = exchange.NextAsync(cancellationToken);
        if (next.IsCompleted) return await next;
        var waiting = next.AsTask();
        while (true)
        {
            try
            {
                return await waiting.WaitAsync(s_quiet, time, CancellationToken.None);
            }
            catch (TimeoutException)
            {
                // Proxies cut what is silent for long.
                await call.Answer.KeepAliveAsync();
            }
        }
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
        catch (Exception exception) when (exception is UpstreamException or OperationCanceledException)
        {
            logger.CallFailed(McpMethodNames.Cancelled, "", FailureKind.Unreachable, exception.Message);
        }
    }

    /// <summary>Decides from a failure what becomes of the session and of what is remembered.</summary>
    private static void Judge(GatewayCall call, SessionLease lease, UpstreamException exception)
    {
        var link = lease.Session.Link;
        if (exception.Kind is FailureKind.SessionLost or FailureKind.OutcomeUnknown && link.KeepsSession) lease.Break(exception.Message);
        if (exception.Kind == FailureKind.TimedOut && lease.Session.PinnedTo is null && link.KeepsSession) lease.Break(CloseReason.TimedOut);
        if (exception.Kind != FailureKind.NotMcp || link.KeepsSession || exception.Status is not (400 or 404 or 405 or 406)) return;
        // A stateless upstream that no longer takes the request at all has become something else.
        lease.Break(exception.Message);
        call.Upstream.Forget(exception.Message);
    }

    private async Task FailAsync(GatewayCall call, Activity? activity, UpstreamException exception)
    {
        activity?.SetStatus(ActivityStatusCode.Error, exception.Kind.ToString());
        call.Upstream.Calls.Failed(call.MethodName, exception);
        logger.CallFailed(call.MethodName, call.Upstream.Name, exception.Kind, exception.Message);
        await call.Answer.FailAsync(CallErrors.Explain(call.Upstream.Name, exception), call.ClientId);
    }
}
