using System.Collections.Concurrent;
using System.Security.Cryptography;
using McpGateway.Calls;
using McpGateway.Endpoints.Streams;
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

    /// <summary>Opens a session.</summary>
    /// <param name="introduction">What its client said; null when it is still to say it.</param>
    /// <param name="scope">The upstream of the endpoint; null for the aggregate.</param>
    /// <param name="principal">Whose it is.</param>
    public async Task<ClientSession> OpenAsync(ClientIntroduction? introduction, string? scope, string principal)
    {
        while (_sessions.Count >= _options.MaxSessions && _sessions.Values.MinBy(session => session.LastUsed) is { } oldest) await EndAsync(oldest.Id);
        var session = new ClientSession(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)), scope, principal, new SessionStreams(_options.StreamBounds, _time))
        {
            OpenedAt = _time.GetTimestamp(),
            LastUsed = _time.GetTimestamp(),
        };
        if (introduction is not null) Introduce(session, introduction);
        _sessions[session.Id] = session;
        return session;
    }

    public void Introduce(ClientSession session, ClientIntroduction introduction) => session.Introduce(introduction, _time.GetTimestamp());

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
        _meter.SessionEnded(session.OpenedAt, session.Introduction.Version);
        session.Streams.Complete();
        await ReleaseAsync(session);
        return true;
    }

    /// <summary>Ends what nobody has used for long, and lets go of answers that nobody came back for. Who listens uses its session.</summary>
    public async Task SweepAsync()
    {
        foreach (var session in _sessions.Values)
        {
            session.Streams.Sweep(_options.ResumeTimeout);
            if (session.Streams.IsListenedTo) session.LastUsed = _time.GetTimestamp();
            else if (session.Calls == 0 && _time.GetElapsedTime(session.LastUsed) > _options.SessionIdleTimeout) await EndAsync(session.Id);
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
            _meter.SessionEnded(session.OpenedAt, session.Introduction.Version);
            session.Streams.CompleteListening();
            _ = ReleaseAsync(session);
        }
    }

    /// <summary>Gives up what a session holds upstream.</summary>
    public async Task ReleaseAsync(ClientSession session)
    {
        foreach (var upstream in _upstreams.All) await upstream.ReleaseAsync(session.Key);
    }
}
