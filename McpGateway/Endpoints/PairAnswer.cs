using McpGateway.Calls;
using McpGateway.Endpoints.Streams;
using McpGateway.Protocol;

namespace McpGateway.Endpoints;

/// <summary>The answer to a client of the HTTP+SSE pair: everything goes on its one stream, and is lost with it.</summary>
internal sealed class PairAnswer(ClientStream stream, ServerOperation? operation) : AnswerWriter(operation)
{
    private bool _hasStarted;

    public override bool HasStarted => _hasStarted;

    protected override Task WriteAnswerAsync(MessageBuffer message, int errorCode) => NotifyAsync(message);

    public override Task NotifyAsync(MessageBuffer message)
    {
        _hasStarted = true;
        stream.Append(message.Span);
        return stream.RoomAsync();
    }

    /// <summary>The hub does it for all streams.</summary>
    public override Task KeepAliveAsync() => Task.CompletedTask;
}
