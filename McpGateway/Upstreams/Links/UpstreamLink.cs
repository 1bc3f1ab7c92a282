using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Upstreams.Links;

/// <summary>
/// One way of talking to one upstream: an HTTP session, a child process, a legacy SSE stream. Calls may overlap; each has
/// an id of ours that is unique on the link. A link that has failed stays failed: it is replaced, never repaired.
/// </summary>
internal abstract class UpstreamLink : IAsyncDisposable
{
    private long _lastId;

    /// <summary>Wire revision, once the handshake has settled it; it decides the headers an HTTP link sends.</summary>
    public string? Version { get; set; }

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

    public abstract ValueTask DisposeAsync();
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
    IReadOnlyList<KeyValuePair<string, string>>? Parameters = null);

/// <summary>The messages that belong to one call, in order.</summary>
internal abstract class UpstreamExchange : IAsyncDisposable
{
    /// <summary>The next message; the caller disposes it. After the answer there is none.</summary>
    /// <exception cref="UpstreamException">The link failed before the answer came.</exception>
    public abstract ValueTask<UpstreamMessage> NextAsync(CancellationToken cancellationToken);

    public abstract ValueTask DisposeAsync();
}
