using System.Collections.Concurrent;
using System.Security.Cryptography;
using McpGateway.Calls;
using McpGateway.Sessions;
using McpGateway.Upstreams;

namespace McpGateway.Endpoints;

/// <summary>The sessions of legacy clients. In memory: after a restart their clients get the 404 that makes them initialize again.</summary>
internal sealed class ClientSessions
{
    private readonly ConcurrentDictionary<string, ClientSession> _sessions = new(StringComparer.Ordinal);
    private readonly UpstreamRegistry _upstreams;
    private readonly ServerMeter _meter;
    private readonly GatewayOptions _options;
    private readonly TimeProvider _time;

    public ClientSessions(UpstreamRegistry upstreams, ServerMeter meter, GatewayOptions options, TimeProvider time)
    {
        (_upstreams, _meter, _options, _time) = (upstreams, meter, options, time);
        upstreams.Evicted += Forget;
    }

    public int Count => _sessions.Count;

    public IReadOnlyList<ClientSession> Read() => [.. _sessions.Values.OrderByDescending(session => session.LastUsed)];

    public async Task<ClientSession> OpenAsync(string version, string? scope, string principal)
    {
        while (_sessions.Count >= _options.MaxSessions && _sessions.Values.MinBy(session => session.LastUsed) is { } oldest) await EndAsync(oldest.Id);
        var session = new ClientSession(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)), version, scope, principal) { OpenedAt = _time.GetTimestamp(), LastUsed = _time.GetTimestamp() };
        _sessions[session.Id] = session;
        return session;
    }

    /// <summary>The session, if it lives and belongs to this endpoint.</summary>
    public ClientSession? Find(string id, string? scope)
    {
        if (!_sessions.TryGetValue(id, out var session) || session.Scope != scope) return null;
        session.LastUsed = _time.GetTimestamp();
        return session;
    }

    /// <summary>Ends a session, its calls and what it holds upstream; false when there is none.</summary>
    public async Task<bool> EndAsync(string id)
    {
        if (!_sessions.TryRemove(id, out var session)) return false;
        session.MarkEnded();
        session.CancelAll();
        _meter.SessionEnded(session.OpenedAt, session.Version);
        await ReleaseAsync(session);
        return true;
    }

    /// <summary>Ends what nobody has used for long.</summary>
    public async Task SweepAsync()
    {
        foreach (var session in _sessions.Values)
        {
            if (session.Calls == 0 && _time.GetElapsedTime(session.LastUsed) > _options.SessionIdleTimeout) await EndAsync(session.Id);
        }
    }

    /// <summary>
    /// An upstream session was taken from its owner to make room. The client's session goes with it: the client then starts anew
    /// instead of going on where its state is gone. Its calls under way elsewhere end in peace.
    /// </summary>
    private void Forget(SessionKey key)
    {
        if (key is { IsOfSession: true, Affinity: { } id } && _sessions.TryRemove(id, out var session))
        {
            session.MarkEnded();
            _meter.SessionEnded(session.OpenedAt, session.Version);
            _ = ReleaseAsync(session);
        }
    }

    /// <summary>Gives up what a session holds upstream.</summary>
    public async Task ReleaseAsync(ClientSession session)
    {
        foreach (var upstream in _upstreams.All) await upstream.ReleaseAsync(session.Key);
    }
}
