using System.Collections.Concurrent;
using System.Threading.Channels;
using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Upstreams.Links;

/// <summary>
/// A link on which one reader receives for all calls, as with a child process or a legacy SSE stream. The reader owns the
/// receiving side; a call only ever waits on its own exchange, so that a cancelled caller cannot disturb another's.
/// </summary>
internal abstract class MultiplexedLink(string upstream, ILogger logger) : UpstreamLink(upstream, logger)
{
    private readonly ConcurrentDictionary<long, Exchange> _exchanges = new();
    private readonly CancellationTokenSource _closing = new();
    private Broken? _broken;

    public override bool KeepsSession => true;

    public override bool NeedsProbe => false;

    public override string? BrokenReason => Volatile.Read(ref _broken)?.Reason;

    /// <summary>Cancelled when the link is disposed; the reader runs on it.</summary>
    protected CancellationToken Closing => _closing.Token;

    public override async Task<UpstreamExchange> SendRequestAsync(OutgoingRequest request, CancellationToken cancellationToken)
    {
        var exchange = new Exchange(this, request.Id, request.IsClients);
        _exchanges[request.Id] = exchange;
        // Registered first, checked second: a break in between either sees the exchange or is seen here.
        if (Volatile.Read(ref _broken) is { } broken)
        {
            await exchange.DisposeAsync();
            throw new UpstreamException(broken.Kind == FailureKind.NotMcp ? FailureKind.NotMcp : FailureKind.Unreachable, broken.Reason);
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

    /// <summary>The one stream there is carries everything.</summary>
    public override Task<bool> ListenAsync(CancellationToken cancellationToken) => Task.FromResult(true);

    /// <summary>Revision 2026-07-28 wants to be asked for what earlier ones say by themselves; the request then stays open as long as the link.</summary>
    public override async Task<bool> WatchAsync(ServerProfile server, CancellationToken cancellationToken)
    {
        if (Version != McpVersion.Modern) return true;
        var exchange = await SendRequestAsync(ListSubscription.Of(this, server), cancellationToken);
        using (var first = await exchange.NextAsync(cancellationToken))
        {
            if (!first.IsAnswer)
            {
                _ = HoldAsync(exchange);
                return true;
            }
        }

        await exchange.DisposeAsync();
        return false;
    }

    public override async ValueTask DisposeAsync()
    {
        Break("closed");
        await _closing.CancelAsync();
    }

    /// <summary>Writes one whole message; messages never interleave.</summary>
    protected abstract Task WriteAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken);

    /// <summary>Marks the link failed, once, and fails every call that waits on it.</summary>
    /// <param name="reason">A sentence for whoever waits.</param>
    /// <param name="kind"><see cref="FailureKind.NotMcp"/> only where the upstream has never said a message, so that no call can have run.</param>
    protected void Break(string reason, FailureKind kind = FailureKind.OutcomeUnknown)
    {
        if (Interlocked.CompareExchange(ref _broken, new Broken(reason, kind), null) is not null) return;
        foreach (var exchange in _exchanges.Values) exchange.Fail(reason, kind);
    }

    /// <summary>What was received is no message, and is ignored.</summary>
    protected virtual void Ignore(ReadOnlySpan<byte> bytes, string reason) => Logger.IgnoredMessage(reason);

    /// <summary>Gives a received message to the call it belongs to; false when it is none. Takes the buffer over.</summary>
    protected bool Deliver(MessageBuffer buffer)
    {
        UpstreamMessage message;
        try
        {
            message = new UpstreamMessage(buffer, MessageScanner.Scan(buffer.Span));
        }
        catch (MessageRefusedException refused)
        {
            using (buffer) Ignore(buffer.Span, refused.Message);
            return false;
        }

        if (FindOwner(message) is { } owner)
        {
            if (!owner.TryAdd(message)) message.Dispose();
        }
        else
        {
            DeliverOutside(message, Closing);
        }

        return true;
    }

    /// <summary>
    /// The call that a message belongs to. Answers, progress and what a subscription asked for name it. A question and a log message name nobody:
    /// they are taken for the newest client's call that is under way, which has the session to itself or shares it with calls of the same client.
    /// </summary>
    private Exchange? FindOwner(UpstreamMessage message)
    {
        if (TrySettle(message, Closing)) return Exchange.Nobody;
        var shape = message.Shape;
        var named = shape.Kind switch
        {
            MessageKind.Result or MessageKind.Error => shape.Id,
            MessageKind.Notification when shape.Method == McpMethod.Progress => shape.ProgressToken,
            MessageKind.Notification => shape.SubscriptionId,
            _ => default,
        };
        if (!named.IsEmpty) return UpstreamId.TryParse(named.Of(message.Bytes.Span), out var id) && _exchanges.TryGetValue(id, out var exchange) ? exchange : Exchange.Nobody;
        return shape.Kind == MessageKind.Request || shape.Method is McpMethod.LogMessage or McpMethod.Cancelled ? NewestCall() : null;
    }

    /// <summary>Changed lists are told before an owner is looked for; nothing else that comes here is of use.</summary>
    private async Task HoldAsync(UpstreamExchange exchange)
    {
        await using var held = exchange;
        try
        {
            while (true)
            {
                using var message = await exchange.NextAsync(Closing);
                if (message.IsAnswer) return;
            }
        }
        catch (Exception exception) when (exception is UpstreamException or OperationCanceledException)
        {
            // The link has ended.
        }
    }

    private Exchange? NewestCall()
    {
        Exchange? newest = null;
        foreach (var exchange in _exchanges.Values)
        {
            if (exchange.IsClients && exchange.Id > (newest?.Id ?? -1)) newest = exchange;
        }

        return newest;
    }

    /// <summary>Why the link failed, and what the calls under way fail with.</summary>
    private sealed record Broken(string Reason, FailureKind Kind);

    private sealed class Exchange : UpstreamExchange
    {
        private readonly MultiplexedLink? _link;

        public Exchange(MultiplexedLink? link, long id, bool isClients) => (_link, Id, IsClients) = (link, id, isClients);

        /// <summary>The owner of what needs no owner any more: an ended call's late messages, a settled message.</summary>
        public static Exchange Nobody { get; } = CreateNobody();

        public long Id { get; }

        public bool IsClients { get; }

        private readonly Channel<UpstreamMessage> _messages = Channel.CreateUnbounded<UpstreamMessage>(new UnboundedChannelOptions { SingleReader = true });

        public bool TryAdd(UpstreamMessage message) => _messages.Writer.TryWrite(message);

        public void Fail(string reason, FailureKind kind) => _messages.Writer.TryComplete(new UpstreamException(kind, reason));

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
            _link?._exchanges.TryRemove(Id, out _);
            _messages.Writer.TryComplete();
            while (_messages.Reader.TryRead(out var late)) late.Dispose();
            return ValueTask.CompletedTask;
        }

        private static Exchange CreateNobody()
        {
            var nobody = new Exchange(null, 0, false);
            nobody._messages.Writer.Complete();
            return nobody;
        }
    }
}
