using McpGateway.Calls;
using McpGateway.Endpoints.Streams;
using McpGateway.Protocol;

namespace McpGateway.Endpoints;

/// <summary>
/// The answer to a POST in a session: plain JSON when the first message is the answer, else a stream of the session's. That
/// stream outlives its connection: the call goes on without a client, and what it says is kept for the client's return. Until
/// <see cref="Sent"/> the response is this object's, after it nobody's.
/// </summary>
internal sealed class SessionAnswer(HttpContext context, ClientSession session, StreamHub hub, ReadOnlyMemory<byte> requestId, ServerOperation? operation = null) : AnswerWriter(operation)
{
    private readonly bool _takesStream = Accepts.Stream(context.Request);

    // Continued where it is completed: both ends of it are the last thing their owner does.
    private readonly TaskCompletionSource _sent = new();
    private ClientStream? _stream;
    private bool _hasAnswered;

    /// <summary>Completes when this connection has carried all that it will.</summary>
    public Task Sent => _sent.Task;

    public override bool HasStarted => _stream is not null || _hasAnswered;

    protected override async Task WriteAnswerAsync(MessageBuffer message, int errorCode)
    {
        if (!HasStarted && _takesStream && !Accepts.Json(context.Request)) Start();
        if (_stream is { } stream)
        {
            stream.Finish(message.Span);
            return;
        }

        _hasAnswered = true;
        if (!context.RequestAborted.IsCancellationRequested) await HttpAnswer.WriteJsonAsync(context.Response, message);
    }

    public override Task NotifyAsync(MessageBuffer message)
    {
        if (!TryStream(out var stream)) return Task.CompletedTask;
        stream.Append(message.Span);
        return stream.RoomAsync();
    }

    /// <summary>From now on the client can come back for the answer; that the connection lives, the hub shows.</summary>
    public override Task KeepAliveAsync()
    {
        TryStream(out _);
        return Task.CompletedTask;
    }

    protected override Task WriteErrorAsync(RpcError error, ReadOnlyMemory<byte> id)
    {
        if (!HasStarted) HttpAnswer.SetRetryAfter(context.Response, error);
        return base.WriteErrorAsync(error, id);
    }

    /// <summary>The call is over, with an answer or, when it was cancelled, without one.</summary>
    public void End()
    {
        if (_stream is { } stream)
        {
            stream.Complete();
            return;
        }

        // No answer to a cancelled request: the stream just ends.
        if (!_hasAnswered && !context.RequestAborted.IsCancellationRequested) context.Response.ContentType = "text/event-stream";
        _sent.TrySetResult();
    }

    private bool TryStream([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out ClientStream? stream)
    {
        // A client that has gone before it got an event id cannot come back for anything.
        if (_stream is null && _takesStream && !_hasAnswered && !context.RequestAborted.IsCancellationRequested) Start();
        stream = _stream;
        return stream is not null;
    }

    private void Start()
    {
        _stream = session.Streams.Open(StreamKind.Call, requestId.Span);
        _ = SendAsync(new StreamConnection(context, _stream, hub));
    }

    private async Task SendAsync(StreamConnection connection)
    {
        try
        {
            await connection.RunAsync(primes: session.Introduction.Primes);
        }
        finally
        {
            _sent.TrySetResult();
        }
    }
}
