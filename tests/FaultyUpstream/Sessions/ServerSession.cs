using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace FaultyUpstream.Sessions;

/// <summary>A number that tools add to: the state by which a test sees whose session it got.</summary>
internal sealed class SessionCounter
{
    private long _value;

    public long Value => Interlocked.Read(ref _value);

    public long Add(long amount) => Interlocked.Add(ref _value, amount);
}

/// <summary>
/// A client's session. Invariant: <see cref="Ended"/> is cancelled once, by whoever takes the session out of <see cref="ServerSessions"/>; running
/// calls and streams are linked to it and end with it.
/// </summary>
internal sealed class ServerSession : IDisposable
{
    private readonly CancellationTokenSource _ended = new();
    private readonly ConcurrentDictionary<string, CancellationTokenSource> _calls = new();
    private int _isEnded;
    private int _requests;

    public ServerSession(UpstreamTransport transport) => (Transport, Ended) = (transport, _ended.Token);

    public string Id { get; } = Guid.NewGuid().ToString("N");
    public UpstreamTransport Transport { get; }

    /// <summary>What was negotiated; null before <c>initialize</c>.</summary>
    public string? Version { get; set; }

    public string? ClientName { get; set; }

    /// <summary>True after <c>notifications/initialized</c>.</summary>
    public bool IsReady { get; set; }

    public SessionCounter Counter { get; private set; } = new();
    public Outbox Outbox { get; } = new();
    public CancellationToken Ended { get; }

    /// <summary>True when its connections are to be reset rather than closed.</summary>
    public bool DiedHard { get; private set; }

    public int CallsRunning => _calls.Count;

    /// <summary>Requests received in it.</summary>
    public int Requests => Volatile.Read(ref _requests);

    /// <summary>Answers whose stream was closed after an event id, by that id, to be fetched with <c>Last-Event-ID</c>.</summary>
    public ConcurrentDictionary<string, Task<JsonObject?>> Resumable { get; } = new();

    public void End(bool hard = false)
    {
        if (Interlocked.Exchange(ref _isEnded, 1) == 1) return;
        DiedHard = hard;
        _ended.Cancel();
        _ended.Dispose();
    }

    public void Dispose() => End();

    public void CountRequest() => Interlocked.Increment(ref _requests);

    /// <summary>Back to the state before <c>initialize</c>, for a transport whose session cannot be dropped: the process of stdio.</summary>
    public void Forget() => (Version, IsReady, ClientName, Counter) = (null, false, null, new SessionCounter());

    /// <summary>A running call, which <c>notifications/cancelled</c> can name until it is ended with <see cref="EndCall"/>.</summary>
    public CancellationTokenSource BeginCall(string id, params CancellationToken[] also)
    {
        var call = CancellationTokenSource.CreateLinkedTokenSource([Ended, .. also]);
        _calls[id] = call;
        return call;
    }

    public void EndCall(string id)
    {
        if (_calls.TryRemove(id, out var call)) call.Dispose();
    }

    /// <returns>False when no such call is running.</returns>
    public bool CancelCall(string id)
    {
        if (!_calls.TryGetValue(id, out var call)) return false;
        try
        {
            call.Cancel();
            return true;
        }
        catch (ObjectDisposedException)
        {
            // It ended between the two lines.
            return false;
        }
    }
}
