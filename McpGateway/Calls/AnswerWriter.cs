using McpGateway.Protocol;

namespace McpGateway.Calls;

/// <summary>
/// Where the messages of one request go: those before the answer, then the answer. How they reach the client is the transport's.
/// Called by one at a time, the answer last. Once the client has gone, or when it takes no such message, what is written is
/// dropped or kept for its return; nothing here fails because of a client.
/// </summary>
/// <param name="operation">The measurement of the request; null when nobody listens.</param>
internal abstract class AnswerWriter(ServerOperation? operation)
{
    private volatile bool _isAnswered;

    /// <summary>True from the moment the answer begins to be written: before that the client cannot have it.</summary>
    public bool IsAnswered => _isAnswered;

    /// <summary>True once the client has got, or may have got, a message.</summary>
    public abstract bool HasStarted { get; }

    /// <summary>Writes the one message that ends the request.</summary>
    /// <param name="message">The message, whole.</param>
    /// <param name="errorCode">Its error code; 0 for a result.</param>
    /// <param name="isToolError">True for a result by which a tool says that it failed.</param>
    public Task AnswerAsync(MessageBuffer message, int errorCode = 0, bool isToolError = false)
    {
        _isAnswered = true;
        if (errorCode != 0 || isToolError) operation?.Note(new OperationEnd(errorCode, isToolError));
        return WriteAnswerAsync(message, errorCode);
    }

    /// <summary>Answers with an error of the gateway's own.</summary>
    public Task FailAsync(RpcError error, ReadOnlyMemory<byte> id)
    {
        _isAnswered = true;
        operation?.Note(new OperationEnd(error.Code));
        return WriteErrorAsync(error, id);
    }

    /// <summary>Notes for the metrics which tool is called, by the client's name for it, once an upstream is known to list it.</summary>
    public void NameTool(string? tool)
    {
        if (operation is not null) operation.Tool = tool;
    }

    /// <summary>Writes a message that comes before the answer: a notification, or a request to the client. A client that takes no stream does not get it.</summary>
    public abstract Task NotifyAsync(MessageBuffer message);

    /// <summary>Shows the client and the proxies between that the request is alive.</summary>
    public abstract Task KeepAliveAsync();

    protected abstract Task WriteAnswerAsync(MessageBuffer message, int errorCode);

    protected virtual async Task WriteErrorAsync(RpcError error, ReadOnlyMemory<byte> id)
    {
        using var message = new MessageBuffer(512);
        error.WriteTo(message, id.Span);
        await WriteAnswerAsync(message, error.Code);
    }
}
