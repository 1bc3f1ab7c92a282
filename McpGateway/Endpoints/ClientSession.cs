using System.Collections.Concurrent;
using System.Text;
using McpGateway.Sessions;

namespace McpGateway.Endpoints;

/// <summary>
/// A legacy client's session with the gateway: who it is and which revision it speaks. It holds no connection and no upstream
/// session; those are leased per call and found again by its key. Its id is no credential.
/// </summary>
internal sealed class ClientSession(string id, string version, string? scope, string principal)
{
    private readonly ConcurrentDictionary<string, CancellationTokenSource> _calls = new(StringComparer.Ordinal);
    private long _lastUsed;
    private volatile bool _hasEnded;

    public string Id { get; } = id;

    /// <summary>The negotiated revision.</summary>
    public string Version { get; } = version;

    /// <summary>The upstream whose endpoint it was opened on; null for the aggregate. It is of no use elsewhere.</summary>
    public string? Scope { get; } = scope;

    public string Principal { get; } = principal;

    /// <summary>Its calls keep one upstream session per upstream, for as long as it lives.</summary>
    public SessionKey Key { get; } = new(principal, id, IsOfSession: true) { Profile = SessionProfile.Of(version, ClientCapabilities.None) };

    /// <summary>Timestamp of its beginning.</summary>
    public long OpenedAt { get; init; }

    public long LastUsed { get => Volatile.Read(ref _lastUsed); set => Volatile.Write(ref _lastUsed, value); }

    /// <summary>Calls under way.</summary>
    public int Calls => _calls.Count;

    /// <summary>True from its end on. A call that was under way then may have leased since, and gives up at its own end what it leased.</summary>
    public bool HasEnded => _hasEnded;

    public void MarkEnded() => _hasEnded = true;

    /// <summary>Remembers a call so that the client can cancel it; false when one with this id is under way, which the protocol forbids.</summary>
    public bool TryBegin(ReadOnlySpan<byte> requestId, CancellationTokenSource cancellation) => _calls.TryAdd(Encoding.UTF8.GetString(requestId), cancellation);

    public void End(ReadOnlySpan<byte> requestId) => _calls.TryRemove(Encoding.UTF8.GetString(requestId), out _);

    /// <summary>Cancels a call; one that has ended, or never was, is ignored as the specification asks.</summary>
    public void Cancel(ReadOnlySpan<byte> requestId)
    {
        if (_calls.TryGetValue(Encoding.UTF8.GetString(requestId), out var call)) Cancel(call);
    }

    public void CancelAll()
    {
        foreach (var call in _calls.Values) Cancel(call);
    }

    private static void Cancel(CancellationTokenSource call)
    {
        try
        {
            call.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The call ended while its cancellation was on the way.
        }
    }
}
