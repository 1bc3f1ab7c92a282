using McpGateway.Calls;
using McpGateway.Protocol;

namespace McpGateway.Endpoints.Replicas;

/// <summary>
/// Sends the messages of a call to the gateway that its client has come to. Whoever runs the call waits for the client as if it were
/// here, but not for the answer's arrival: that goes on when the call is over, and its session free.
/// </summary>
internal sealed class AnswerRelay(RelayLine line) : AnswerWriter(operation: null)
{
    private ReplicaMessage? _answer;
    private bool _hasStarted;

    public override bool HasStarted => _hasStarted;

    public override Task NotifyAsync(MessageBuffer message)
    {
        _hasStarted = true;
        return line.SendAsync(Part() with { Body = message.Span.ToArray() });
    }

    public override Task KeepAliveAsync() => line.SendAsync(Part());

    /// <summary>Sends the answer, if there is one.</summary>
    public Task DeliverAsync() => _answer is null ? Task.CompletedTask : line.SendAsync(_answer);

    protected override Task WriteAnswerAsync(MessageBuffer message, int errorCode)
    {
        _hasStarted = true;
        _answer = Part() with { Body = message.Span.ToArray(), IsOver = true };
        return Task.CompletedTask;
    }

    /// <summary>As it is: how it is told is the client's transport's.</summary>
    protected override Task WriteErrorAsync(RpcError error, ReadOnlyMemory<byte> id)
    {
        _hasStarted = true;
        _answer = Part() with { Error = error, IsOver = true };
        return Task.CompletedTask;
    }

    private static ReplicaMessage Part() => new(ReplicaMessageKind.Part, "");
}
