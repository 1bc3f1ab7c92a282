using System.Collections.Concurrent;
using System.Threading.Channels;
using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Upstreams.Links;

/// <summary>
/// A link on which one reader receives for all calls, as with a child process or a legacy SSE stream. The reader owns the
/// receiving side; a call only ever waits on its own exchange, so that a cancelled caller cannot disturb another's.
/// </summary>
internal abstract class MultiplexedLink(ILogger logger) : UpstreamLink
{
    private readonly ConcurrentDictionary<long, Exchange> _exchanges = new();
    private readonly CancellationTokenSource _closing = new();
    private string? _brokenReason;

    public override bool KeepsSession => true;

    public override bool NeedsProbe => false;

    public override string? BrokenReason => Volatile.Read(ref _brokenReason);

    /// <summary>Cancelled when the link is disposed; the reader runs on it.</summary>
    protected CancellationToken Closing => _closing.Token;

    public override async Task<UpstreamExchange> SendRequestAsync(OutgoingRequest request, CancellationToken cancellationToken)
    {
        var exchange = new Exchange(this, request.Id);
        _exchanges[request.Id] = exchange;
        // Registered first, checked second: a break in between either sees the exchange or is seen here.
        if (BrokenReason is { } reason)
        {
            await exchange.DisposeAsync();
            throw new UpstreamException(FailureKind.Unreachable, reason);
        }

        try
        {
            await WriteAsync(request.Bytes, cancellationToken);
            return exchange;
        }
        catch
        {
            await exchange.DisposeAsync();
            throw;
        }
    }

    public override Task SendNotificationAsync(ReadOnlyMemory<byte> message, McpMethod method, CancellationToken cancellationToken) =>
        WriteAsync(message, cancellationToken);

    public override async ValueTask DisposeAsync()
    {
        Break("closed");
        await _closing.CancelAsync();
    }

    /// <summary>Writes one whole message; messages never interleave.</summary>
    protected abstract Task WriteAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken);

    /// <summary>Marks the link failed, once, and fails every call that waits on it.</summary>
    protected void Break(string reason)
    {
        if (Interlocked.CompareExchange(ref _brokenReason, reason, null) is not null) return;
        foreach (var exchange in _exchanges.Values) exchange.Fail(reason);
    }

    /// <summary>Gives a received message to the call it belongs to. Takes the buffer over.</summary>
    protected void Deliver(MessageBuffer buffer)
    {
        UpstreamMessage message;
        try
        {
            message = UpstreamMessage.Scan(buffer);
        }
        catch (MessageRefusedException refused)
        {
            logger.IgnoredMessage(refused.Message);
            return;
        }

        var shape = message.Shape;
        var bytes = message.Bytes.Span;
        var owner = shape.Kind switch
        {
            MessageKind.Result or MessageKind.Error => shape.Id,
            MessageKind.Notification when shape.Method == McpMethod.Progress => shape.ProgressToken,
            _ => default,
        };
        if (!owner.IsEmpty && UpstreamId.TryParse(owner.Of(bytes), out var id) && _exchanges.TryGetValue(id, out var exchange) && exchange.TryAdd(message)) return;
        if (owner.IsEmpty) DeliverUnowned(message);
        message.Dispose();
    }

    /// <summary>A message that no single call owns: a request of the server, a list change, a log line.</summary>
    private void DeliverUnowned(UpstreamMessage message)
    {
        if (message.Shape.Kind == MessageKind.Request) _ = AnswerServerRequestAsync(message.Shape, message.Bytes.ToArray());
        else if (message.Shape.Method == McpMethod.ToolsListChanged) ToolsChanged?.Invoke();
    }

    /// <summary>Raised on the reader when the upstream says that its tools changed; must not block.</summary>
    public event Action? ToolsChanged;

    private async Task AnswerServerRequestAsync(MessageShape request, byte[] bytes)
    {
        try
        {
            await WriteAsync(ServerRequest.Answer(request, bytes), Closing);
        }
        catch (Exception exception) when (exception is UpstreamException or OperationCanceledException)
        {
            // The link is going down: its waiting calls have been told, and the server no longer waits.
        }
    }

    private sealed class Exchange(MultiplexedLink link, long id) : UpstreamExchange
    {
        private readonly Channel<UpstreamMessage> _messages = Channel.CreateUnbounded<UpstreamMessage>(new UnboundedChannelOptions { SingleReader = true });

        public bool TryAdd(UpstreamMessage message) => _messages.Writer.TryWrite(message);

        public void Fail(string reason) => _messages.Writer.TryComplete(new UpstreamException(FailureKind.OutcomeUnknown, reason));

        public override async ValueTask<UpstreamMessage> NextAsync(CancellationToken cancellationToken)
        {
            try
            {
                return await _messages.Reader.ReadAsync(cancellationToken);
            }
            catch (ChannelClosedException closed)
            {
                throw closed.InnerException as UpstreamException ?? new UpstreamException(FailureKind.OutcomeUnknown, "The call was ended.", closed);
            }
        }

        public override ValueTask DisposeAsync()
        {
            link._exchanges.TryRemove(id, out _);
            _messages.Writer.TryComplete();
            while (_messages.Reader.TryRead(out var late)) late.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
