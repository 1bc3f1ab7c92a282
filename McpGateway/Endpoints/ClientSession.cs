using System.Collections.Concurrent;
using System.Text;
using McpGateway.Calls.Inputs;
using McpGateway.Endpoints.Replicas;
using McpGateway.Endpoints.Streams;
using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Endpoints;

/// <summary>
/// A legacy client's session with the gateway: who it is, which revision it speaks, and the streams of messages to it. It holds no
/// upstream session; those are leased per call and found again by its key. Its id is no credential.
/// </summary>
/// <param name="id">Its id.</param>
/// <param name="scope">See <see cref="Scope"/>.</param>
/// <param name="principal">Whose it is.</param>
/// <param name="streams">See <see cref="Streams"/>.</param>
/// <param name="replicas">The other gateways.</param>
internal sealed class ClientSession(string id, string? scope, string principal, SessionStreams streams, IReplicas replicas)
{
    private readonly ConcurrentDictionary<string, ClientCall> _calls = new(StringComparer.Ordinal);
    private volatile ClientIntroduction _introduction = ClientIntroduction.None;
    private long _lastUsed;
    private volatile bool _hasEnded;

    public string Id { get; } = id;

    /// <summary>What the client said of itself; over the HTTP+SSE pair the session is there before it says it.</summary>
    public ClientIntroduction Introduction => _introduction;

    /// <summary>When it said it, by <see cref="TimeProvider.GetTimestamp"/>; null before.</summary>
    public long? IntroducedAt { get; private set; }

    /// <summary>Messages to the client, outside its calls and within them.</summary>
    public SessionStreams Streams { get; } = streams;

    /// <summary>The one stream of a client of the HTTP+SSE pair, with which the session ends; null over Streamable HTTP.</summary>
    public ClientStream? Pair { get; set; }

    /// <summary>The upstream whose endpoint it was opened on; null for the aggregate. It is of no use elsewhere.</summary>
    public string? Scope { get; } = scope;

    public string Principal { get; } = principal;

    /// <summary>Its calls keep one upstream session per upstream, for as long as it lives.</summary>
    public SessionKey Key => new(Principal, Id, IsOfSession: true) { Profile = Introduction.Profile };

    /// <summary>How upstreams speak to it.</summary>
    public ClientPeer Peer { get; } = new(new OutsideCalls(id, streams, replicas).SendAsync, replicas.Name);

    /// <summary>Timestamp of its beginning.</summary>
    public long OpenedAt { get; init; }

    public long LastUsed { get => Volatile.Read(ref _lastUsed); set => Volatile.Write(ref _lastUsed, value); }

    /// <summary>When the store last heard of it; null before. Written by whoever opens it, then by the keeper's round.</summary>
    public long? StoredAt { get; set; }

    /// <summary>Calls under way.</summary>
    public int Calls => _calls.Count;

    /// <summary>True from its end on. A call that was under way then may have leased since, and gives up at its own end what it leased.</summary>
    public bool HasEnded => _hasEnded;

    public void Introduce(ClientIntroduction said, long at)
    {
        _introduction = said;
        IntroducedAt = at;
    }

    public void MarkEnded()
    {
        _hasEnded = true;
        Peer.Leave();
    }

    /// <summary>Remembers a call so that the client can cancel it; false when one with this id is under way, which the protocol forbids.</summary>
    public bool TryBegin(ReadOnlySpan<byte> requestId, ClientCall call)
    {
        var id = Encoding.UTF8.GetString(requestId);
        return _calls.TryAdd(id, call) || (_calls.TryGetValue(id, out var before) && before.IsAnswered && _calls.TryUpdate(id, call, before)) || _calls.TryAdd(id, call);
    }

    public void End(ReadOnlySpan<byte> requestId, ClientCall call) => _calls.TryRemove(KeyValuePair.Create(Encoding.UTF8.GetString(requestId), call));

    /// <summary>Takes what needs no answer: a cancellation, or an answer to a question. False when it is for a call or a question that is not here: it has ended, never was, or is at another gateway.</summary>
    public bool TryTake(MessageShape shape, ReadOnlySpan<byte> message) => shape.Method == McpMethod.Cancelled ? TryCancel(shape.RequestId.Of(message)) : Peer.TryTake(shape, message);

    private bool TryCancel(ReadOnlySpan<byte> requestId)
    {
        if (!_calls.TryGetValue(Encoding.UTF8.GetString(requestId), out var call)) return false;
        call.Cancel();
        return true;
    }

    public void CancelAll()
    {
        foreach (var call in _calls.Values) call.Cancel();
    }
}
