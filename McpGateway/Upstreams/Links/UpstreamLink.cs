using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Upstreams.Links;

/// <summary>
/// One way of talking to one upstream: an HTTP session, a child process, a legacy SSE stream. Calls may overlap; each has
/// an id of ours that is unique on the link. A link that has failed stays failed: it is replaced, never repaired.
/// </summary>
internal abstract class UpstreamLink(string upstream, ILogger logger) : IAsyncDisposable
{
    private long _lastId;
    private volatile IUpstreamListener? _listener;

    /// <summary>
    /// Who takes what the upstream says outside of any call: the owner of a pinned session. Null while nobody does; then requests are
    /// refused, and <see cref="Stray"/> is raised.
    /// </summary>
    public IUpstreamListener? Listener { get => _listener; set => _listener = value; }

    /// <summary>Raised on the reader when the upstream says that a list of its has changed; must not block.</summary>
    public event Action<McpMethod>? ListChanged;

    /// <summary>Raised on the reader when the upstream can be heard again after a while in which it could not, so that changes may have been missed; must not block.</summary>
    public event Action? HeardAgain;

    /// <summary>Raised on the reader with the method of a message that belongs to nobody; must not block.</summary>
    public event Action<string>? Stray;

    /// <summary>The upstream's name, for logs.</summary>
    protected string Upstream { get; } = upstream;

    protected ILogger Logger { get; } = logger;

    /// <summary>Wire revision, once the handshake has settled it; it decides the headers an HTTP link sends.</summary>
    public string? Version { get; set; }

    /// <summary>How it talks; never <see cref="UpstreamTransport.Auto"/>.</summary>
    public abstract UpstreamTransport Transport { get; }

    /// <summary>True while requests on this link share state at the upstream, so that the link has to be kept, pooled and closed.</summary>
    public abstract bool KeepsSession { get; }

    /// <summary>Why the link cannot be used any more; null while it can.</summary>
    public abstract string? BrokenReason { get; }

    /// <summary>True when only a round trip can tell whether the session still lives; a child process or an open stream tells by itself.</summary>
    public abstract bool NeedsProbe { get; }

    /// <summary>True when disposing an exchange before its answer cancels the call at the upstream: revision 2026-07-28 over HTTP. Else a notification does.</summary>
    public virtual bool ClosingCancels => false;

    /// <summary>The upstream's own id of the session, by which another link can go on with it; null when the session ends with the link.</summary>
    public virtual string? ResumableId => null;

    /// <summary>Makes the end of this link leave the session at the upstream as it is, for another link.</summary>
    public virtual void Leave()
    {
    }

    /// <summary>Ids that an earlier link of the same session may have used: a session must not see one twice.</summary>
    public long IdsAfter { init => _lastId = value; }

    /// <summary>A text of the upstream's with the secrets taken out that it was given.</summary>
    public virtual string Redact(string text) => text;

    /// <summary>Next id for a request on this link.</summary>
    public long NextId() => Interlocked.Increment(ref _lastId);

    /// <summary>
    /// Sends a request; its messages are then read from the exchange, the answer last. Dispose the exchange to forget the
    /// call: what still arrives for it is dropped.
    /// </summary>
    /// <exception cref="UpstreamException">It could not be sent.</exception>
    public abstract Task<UpstreamExchange> SendRequestAsync(OutgoingRequest request, CancellationToken cancellationToken);

    /// <summary>Sends a notification or an answer of ours.</summary>
    public abstract Task SendNotificationAsync(ReadOnlyMemory<byte> message, McpMethod method, CancellationToken cancellationToken);

    /// <summary>Answers a request of the upstream's. That it does not take the answer is logged and says nothing of the calls under way.</summary>
    public async Task AnswerAsync(ReadOnlyMemory<byte> answer, CancellationToken cancellationToken)
    {
        try
        {
            await SendNotificationAsync(answer, McpMethod.None, cancellationToken);
        }
        catch (UpstreamException exception)
        {
            Logger.AnswerNotTaken(Upstream, exception.Message);
        }
    }

    /// <summary>Refuses a request that nobody is there for.</summary>
    public Task RefuseAsync(UpstreamMessage request, CancellationToken cancellationToken) => AnswerAsync(ServerRequest.Refusal(request.Shape, request.Bytes.Span), cancellationToken);

    /// <summary>
    /// Makes sure that the upstream can speak outside of calls. True once it can; false when the link knows no such way, or the
    /// upstream offers none.
    /// </summary>
    public abstract Task<bool> ListenAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Makes sure that the upstream tells on this link of the lists it says it announces, until the link closes. True once it does; false when
    /// it offers no way to. Where the way breaks, the link finds it again by itself.
    /// </summary>
    public virtual Task<bool> WatchAsync(ServerProfile server, CancellationToken cancellationToken) => ListenAsync(cancellationToken);

    public abstract ValueTask DisposeAsync();

    protected void NoteHeardAgain() => HeardAgain?.Invoke();

    /// <summary>False where notifications that are for nobody come on a stream that is not open for their sake, and so say nothing of the session.</summary>
    protected virtual bool ReportsStrayNotices => true;

    /// <summary>Does what every message deserves, whoever it is for: a ping is answered, a changed list told. True when that was all there is to it.</summary>
    protected bool TrySettle(UpstreamMessage message, CancellationToken cancellationToken)
    {
        var shape = message.Shape;
        if (shape is { Kind: MessageKind.Request, Method: McpMethod.Ping })
        {
            _ = AnswerOrLeaveAsync(ServerRequest.Pong(shape, message.Bytes.Span), cancellationToken);
            return true;
        }

        if (shape.Kind != MessageKind.Notification || !McpMethodNames.IsListChange(shape.Method)) return false;
        ListChanged?.Invoke(shape.Method);
        return true;
    }

    /// <summary>Gives a message that is no call's to the owner of the session; without one it is nobody's. Takes it over.</summary>
    protected void DeliverOutside(UpstreamMessage message, CancellationToken cancellationToken)
    {
        if (message.Shape.Kind is MessageKind.Result or MessageKind.Error || TrySettle(message, cancellationToken))
        {
            message.Dispose();
        }
        else if (_listener is { } listener)
        {
            listener.Receive(this, message);
        }
        else
        {
            using (message)
            {
                if (message.Shape.Kind == MessageKind.Request) _ = AnswerOrLeaveAsync(ServerRequest.Refusal(message.Shape, message.Bytes.Span), cancellationToken);
                if (ReportsStrayNotices || message.Shape.Kind == MessageKind.Request) Stray?.Invoke(JsonText.Read(message.Shape.MethodName.Of(message.Bytes.Span)) ?? "");
            }
        }
    }

    private async Task AnswerOrLeaveAsync(byte[] answer, CancellationToken cancellationToken)
    {
        try
        {
            await AnswerAsync(answer, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The link is going down: its waiting calls have been told, and the server no longer waits.
        }
    }
}

/// <summary>A request as it goes upstream. The bytes must stay valid until the exchange is disposed.</summary>
/// <param name="Id">Our id, which stands in <paramref name="Bytes"/> too, and as the progress token if there is one.</param>
/// <param name="Bytes">The whole message.</param>
/// <param name="MethodName">Its method, for the header of revision 2026-07-28.</param>
/// <param name="Name">Its <c>params.name</c> or <c>params.uri</c>, for the same.</param>
/// <param name="Parameters">Headers <c>Mcp-Param-*</c> that came with the call.</param>
internal sealed record OutgoingRequest(
    long Id,
    ReadOnlyMemory<byte> Bytes,
    string MethodName,
    string? Name = null,
    IReadOnlyList<KeyValuePair<string, string>>? Parameters = null)
{
    /// <summary>True for a client's call, whose client may be asked something; the gateway's own calls have nobody to ask.</summary>
    public bool IsClients { get; init; }
}

/// <summary>The messages that belong to one call, in order.</summary>
internal abstract class UpstreamExchange : IAsyncDisposable
{
    /// <summary>The next message: the answer, or a notification or request that belongs to the call. The caller disposes it. After the answer there is none.</summary>
    /// <exception cref="UpstreamException">The link failed before the answer came.</exception>
    public abstract ValueTask<UpstreamMessage> NextAsync(CancellationToken cancellationToken);

    public abstract ValueTask DisposeAsync();
}
