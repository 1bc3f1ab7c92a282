using System.Collections.Concurrent;
using McpGateway.Calls;
using McpGateway.Calls.Inputs;
using McpGateway.Protocol;

namespace McpGateway.Endpoints.Replicas;

/// <summary>
/// Calls whose clients have come here with their answers while another gateway holds them. That gateway goes on with the call, and here its
/// messages are only passed on. It begins when it has been told that somebody waits here, and not before: whoever is told to start
/// again has lost nothing.
/// </summary>
internal sealed class ForwardedCalls(IReplicas replicas, ReplicaQuestions questions, TimeProvider time) : IParkedElsewhere
{
    /// <summary>A living gateway replies within milliseconds.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, ForwardedCall> _open = new(StringComparer.Ordinal);

    public async Task<bool> TryGoOnAsync(GatewayCall call, string owner, CancellationToken cancellationToken)
    {
        var forwarded = new ForwardedCall();
        _open[forwarded.Id] = forwarded;
        try
        {
            switch (await questions.AskAsync(owner, Describe(call, forwarded), s_patience).WaitAsync(cancellationToken))
            {
                case StatusCodes.Status200OK:
                    await PassOnAsync(call, owner, forwarded, cancellationToken);
                    return true;
                case StatusCodes.Status503ServiceUnavailable:
                    await call.Answer.FailAsync(
                        new RpcError(RpcErrorCode.UpstreamUnavailable, "The gateway that holds the call is not reached. Try again with the same params.requestState in a few seconds.", TimeSpan.FromSeconds(5), call.Upstream.Name), call.ClientId);
                    return true;
                default:
                    return false;
            }
        }
        finally
        {
            _open.TryRemove(forwarded.Id, out _);
            // To a call that has ended it means nothing; one whose client has gone it cancels.
            _ = replicas.PostAsync(owner, new ReplicaMessage(ReplicaMessageKind.Leave, "") { Relay = forwarded.Id });
        }
    }

    /// <summary>Takes a part from its owner.</summary>
    public void Take(ReplicaMessage part)
    {
        if (part is { Relay: { } id, From: { } owner } && _open.TryGetValue(id, out var forwarded) && forwarded.Take(part)) _ = AcknowledgeAsync(owner, forwarded);
    }

    /// <summary>The owner has let go of it.</summary>
    public void Lose(string id)
    {
        if (_open.TryGetValue(id, out var forwarded)) forwarded.Lose();
    }

    private static ReplicaMessage Describe(GatewayCall call, ForwardedCall forwarded) => new(ReplicaMessageKind.GoOn, "")
    {
        Relay = forwarded.Id,
        Body = call.Message.ToArray(),
        Call = new ReplicaCall(call.Upstream.Name, call.UpstreamName, call.Key.Principal, call.Key.Affinity, call.Parameters, call.Trace),
    };

    private async Task PassOnAsync(GatewayCall call, string owner, ForwardedCall forwarded, CancellationToken cancellationToken)
    {
        var passing = WriteAsync(call, owner, forwarded, cancellationToken);
        var heardAt = time.GetTimestamp();
        while (!passing.IsCompleted)
        {
            var beat = await AcknowledgeAsync(owner, forwarded);
            if (beat == PostOutcome.Delivered) heardAt = time.GetTimestamp();
            else if (beat == PostOutcome.Dead || time.GetElapsedTime(heardAt) > RelayLine.Patience) forwarded.Lose();
            await Task.WhenAny(passing, Task.Delay(RelayLine.Beat, time, CancellationToken.None));
        }

        await passing;
    }

    private async Task WriteAsync(GatewayCall call, string owner, ForwardedCall forwarded, CancellationToken cancellationToken)
    {
        await foreach (var part in forwarded.ReadAsync(cancellationToken))
        {
            await WriteAsync(call, part);
            forwarded.PassedOn(part);
            var acknowledged = AcknowledgeAsync(owner, forwarded);
            if (part.IsOver) return;
            await acknowledged;
        }

        await call.Answer.FailAsync(
            new RpcError(RpcErrorCode.OutcomeUnknown, "Outcome unknown: the gateway that went on with the call was lost. It may have run; check before you repeat it.", Upstream: call.Upstream.Name), call.ClientId);
    }

    private static async Task WriteAsync(GatewayCall call, ReplicaMessage part)
    {
        if (part.Error is { } error)
        {
            await call.Answer.FailAsync(error, call.ClientId);
            return;
        }

        if (part.Body is not { } body)
        {
            await call.Answer.KeepAliveAsync();
            return;
        }

        using var message = MessageBuffer.CopyOf(body);
        if (part.IsOver)
        {
            var shape = MessageScanner.Scan(body);
            await call.Answer.AnswerAsync(message, shape.ErrorCode, shape.IsToolError);
        }
        else
        {
            await call.Answer.NotifyAsync(message);
        }
    }

    private Task<PostOutcome> AcknowledgeAsync(string owner, ForwardedCall forwarded) =>
        replicas.PostAsync(owner, new ReplicaMessage(ReplicaMessageKind.Acknowledge, "") { Relay = forwarded.Id, Number = forwarded.Acknowledged });
}
