using McpGateway.Calls;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams;

namespace McpGateway.Endpoints.Replicas;

/// <summary>
/// Goes on with calls that are parked here and whose clients have brought their answers to another gateway. What the other one says of the
/// call is believed as far as the sealed state in the request bears it out, which is verified here too.
/// </summary>
internal sealed class CallsForOthers(UpstreamRegistry upstreams, CallForwarder forwarder, ILogger<CallsForOthers> logger)
{
    /// <summary>The call that a message speaks of; null when there is nothing here that it could be.</summary>
    public GatewayCall? Read(ReplicaMessage message, AnswerWriter answer)
    {
        if (message is not { Call: { } call, Body: { } body } || upstreams.Find(call.Upstream) is not { } upstream) return null;
        try
        {
            var shape = MessageScanner.Scan(body);
            var key = new SessionKey(call.Principal, call.Affinity) { Profile = ModernRequest.Profile(body, shape) };
            return new GatewayCall(body, shape, McpEra.Modern, upstream, call.UpstreamName, key, call.Parameters, answer) { Trace = call.Trace, Capabilities = upstream.Allow(key.Profile.Capabilities) };
        }
        catch (MessageRefusedException)
        {
            // The other gateway has scanned it too; this one knows the protocol otherwise.
            return null;
        }
    }

    /// <summary>Runs a call to its end and sends what it says; until the other gateway is ready for that nothing is touched.</summary>
    /// <param name="call">The call.</param>
    /// <param name="answer">Its way back.</param>
    /// <param name="line">The same, which ends the call when the other gateway leaves it.</param>
    public async Task RunAsync(GatewayCall call, AnswerRelay answer, RelayLine line)
    {
        await line.ReadyAsync();
        if (line.IsLeft) return;
        try
        {
            await forwarder.ForwardAsync(call, line.Left);
        }
        catch (OperationCanceledException) when (line.IsLeft)
        {
            // Nobody waits for an answer.
            return;
        }
        catch (Exception exception)
        {
            logger.RequestFailed(call.MethodName, exception);
            await answer.FailAsync(new RpcError(RpcErrorCode.InternalError, "The gateway failed at this request. Its log says why."), call.ClientId);
        }

        await answer.DeliverAsync();
    }
}
