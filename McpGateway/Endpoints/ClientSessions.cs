using System.Collections.Concurrent;
using System.Security.Cryptography;
using McpGateway.Calls;
using McpGateway.Endpoints.Portable;
using McpGateway.Endpoints.Replicas;
using McpGateway.Endpoints.Streams;
using McpGateway.Sessions;
using McpGateway.Sessions.Ledger;
using McpGateway.Upstreams;
using Microsoft.Extensions.Logging.Abstractions;

namespace McpGateway.Endpoints;

/// <summary>
/// The sessions of legacy clients. Those used here are in memory; all are in the store, so that any gateway, and this one after a
/// restart, can go on with them. The store is asked only for a session that is not here, and written when one begins, ends, or has
/// been used for a while: never on a call's way. Without it sessions live as long as their gateway.
/// </summary>
internal sealed class ClientSessions
{
    private const int IdBytes = 16;

    /// <summary>Longer than a read of the store takes.</summary>
    private static readonly TimeSpan s_forgotten = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, ClientSession> _sessions = new(StringComparer.Ordinal);

    // Ended at another gateway a moment ago: a request that has read one of them from the store before must not bring it back.
    private readonly ConcurrentDictionary<string, long> _ended = new(StringComparer.Ordinal);
    private readonly UpstreamRegistry _upstreams;
    private readonly IClientSessionStore _store;
    private readonly IReplicas _replicas;
    private readonly ServerMeter _meter;
    private readonly GatewayOptions _options;
    private readonly TimeProvider _time;

    // The ledger says that the store is lost; once is enough.
    private readonly LedgerHealth _health;

    public ClientSessions(UpstreamRegistry upstreams, IClientSessionStore store, IReplicas replicas, ServerMeter meter, GatewayOptions options, TimeProvider time)
    {
        (_upstreams, _store, _replicas, _meter, _options, _time) = (upstreams, store, replicas, meter, options, time);
        _health = new LedgerHealth(time, NullLogger.Instance);
        upstreams.Evicted += Forget;
    }

    public int Count => _sessions.Count;

    /// <summary>How long the store keeps a session that no gateway touches: its idle time, and the while for which its use is not written.</summary>
    private TimeSpan Kept => _options.SessionIdleTimeout * 1.5;

    public IReadOnlyList<ClientSession> Read() => [.. _sessions.Values.OrderByDescending(session => session.LastUsed)];

    /// <summary>Opens a session of Streamable HTTP.</summary>
    /// <param name="introduction">What its client said.</param>
    /// <param name="scope">The upstream of the endpoint; null for the aggregate.</param>
    /// <param name="principal">Whose it is.</param>
    public async Task<ClientSession> OpenAsync(ClientIntroduction introduction, string? scope, string principal)
    {
        var session = await AddAsync(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdBytes)), scope, principal);
        Introduce(session, introduction);
        await StoreAsync(session);
        return session;
    }

    /// <summary>Opens a session of the HTTP+SSE pair. It lives and dies with its stream, and so is in no store; its id says which gateway has that.</summary>
    public Task<ClientSession> OpenPairAsync(string? scope, string principal) => AddAsync(StreamEventId.NewName(_replicas.Name), scope, principal);

    public void Introduce(ClientSession session, ClientIntroduction introduction) => session.Introduce(introduction, _time.GetTimestamp());

    /// <summary>True when a session that was not found may be in the store all the same, which does not answer: to say that there is none would cost its client the session.</summary>
    public bool MayBeStored(string id) => _health.IsLost && IsId(id);

    /// <summary>The session, if it lives, here or in the store, and belongs to this endpoint.</summary>
    public ValueTask<ClientSession?> FindAsync(string id, string? scope, CancellationToken cancellationToken) =>
        _sessions.ContainsKey(id) ? ValueTask.FromResult(Find(id, scope)) : FetchAsync(id, scope, cancellationToken);

    /// <summary>The session, if it lives here and belongs to this endpoint.</summary>
    public ClientSession? Find(string id, string? scope)
    {
        if (!_sessions.TryGetValue(id, out var session) || session.Scope != scope) return null;
        session.LastUsed = _time.GetTimestamp();
        return session;
    }

    /// <summary>The session, if it is in memory here; whoever looks does not use it.</summary>
    public ClientSession? Peek(string id) => _sessions.GetValueOrDefault(id);

    /// <summary>Ends a session that another gateway has ended.</summary>
    public void EndHere(string id)
    {
        _ended[id] = _time.GetTimestamp();
        if (_sessions.TryGetValue(id, out var session)) _ = DropAsync(session);
    }

    /// <summary>Ends a session, its calls and what it holds upstream; false when there is none.</summary>
    public async Task<bool> EndAsync(string id)
    {
        if (!_sessions.TryGetValue(id, out var session)) return false;
        // First from where it could come back from.
        if (session.Pair is null) await RemoveAsync(id);
        return await DropAsync(session);
    }

    /// <summary>
    /// Lets go of what nobody has used here for long (whoever uses it at another gateway keeps it in the store) and of answers that
    /// nobody came back for; writes to the store what has been used. Who listens uses its session.
    /// </summary>
    public async Task SweepAsync()
    {
        foreach (var session in _sessions.Values)
        {
            session.Streams.Sweep(_options.ResumeTimeout);
            if (session.Streams.IsListenedTo) session.LastUsed = _time.GetTimestamp();
            else if (session.Calls == 0 && _time.GetElapsedTime(session.LastUsed) > _options.SessionIdleTimeout) await DropAsync(session);
        }

        foreach (var (id, at) in _ended)
        {
            if (_time.GetElapsedTime(at) > s_forgotten) _ended.TryRemove(id, out _);
        }

        await WriteUseAsync();
    }

    /// <summary>Gives up what a session holds upstream.</summary>
    public async Task ReleaseAsync(ClientSession session)
    {
        foreach (var upstream in _upstreams.All) await upstream.ReleaseAsync(session.Key);
    }

    private async Task<ClientSession> AddAsync(string id, string? scope, string principal)
    {
        while (_sessions.Count >= _options.MaxSessions && _sessions.Values.MinBy(session => session.LastUsed) is { } oldest) await EndAsync(oldest.Id);
        var session = Create(id, scope, principal);
        _sessions[session.Id] = session;
        return session;
    }

    private ClientSession Create(string id, string? scope, string principal) =>
        new(id, scope, principal, new SessionStreams(_options.StreamBounds, _time, _replicas.Name), _replicas) { OpenedAt = _time.GetTimestamp(), LastUsed = _time.GetTimestamp() };

    private static bool IsId(string id) => id.Length == IdBytes * 2 && id.All(char.IsAsciiHexDigitLower);

    private async ValueTask<ClientSession?> FetchAsync(string id, string? scope, CancellationToken cancellationToken)
    {
        // The store is not asked for what cannot be an id of ours.
        if (!IsId(id)) return null;
        if (await _health.TryAsync(() => _store.FindAsync(id, cancellationToken), null) is not { } record || record.Scope != scope) return null;
        var session = Create(id, record.Scope, record.Principal);
        session.StoredAt = session.LastUsed;
        Introduce(session, record.Introduction);
        // Of two requests that fetch it at once both get the same.
        session = _sessions.GetOrAdd(id, session);
        if (!_ended.ContainsKey(id)) return session;
        await DropAsync(session);
        return null;
    }

    private async Task StoreAsync(ClientSession session)
    {
        var stored = await _health.TryAsync(() => Done(_store.SaveAsync(new ClientSessionRecord(session.Id, session.Scope, session.Principal, session.Introduction), Kept, CancellationToken.None)), false);
        if (stored) session.StoredAt = _time.GetTimestamp();
    }

    private Task<bool> RemoveAsync(string id) => _health.TryAsync(() => Done(_store.RemoveAsync(id, CancellationToken.None)), false);

    private async Task WriteUseAsync()
    {
        var used = _sessions.Values.Where(session => session.Pair is null && session.StoredAt is { } at && session.LastUsed > at && _time.GetElapsedTime(at) > _options.SessionIdleTimeout / 4).ToArray();
        // Asked even while it is lost: that is how it is found again.
        if ((used.Length > 0 || _health.IsLost) && await _health.AskAsync(() => Done(_store.TouchAsync([.. used.Select(static session => session.Id)], Kept, CancellationToken.None)), false))
        {
            foreach (var session in used) session.StoredAt = _time.GetTimestamp();
        }

        foreach (var session in _sessions.Values.Where(static session => session is { Pair: null, StoredAt: null, HasEnded: false }))
        {
            if (!_health.IsLost) await StoreAsync(session);
        }
    }

    private async Task<bool> DropAsync(ClientSession session)
    {
        if (!_sessions.TryRemove(session.Id, out _)) return false;
        session.MarkEnded();
        session.CancelAll();
        session.Streams.Complete();
        _meter.SessionEnded(session.OpenedAt, session.Introduction.Version);
        await ReleaseAsync(session);
        return true;
    }

    /// <summary>
    /// An upstream session was taken from its owner to make room. The client's session goes with it: the client then starts anew
    /// instead of going on where its state is gone. Its calls under way elsewhere end in peace.
    /// </summary>
    private void Forget(SessionKey key)
    {
        if (key is not { IsOfSession: true, Affinity: { } id } || !_sessions.TryRemove(id, out var session)) return;
        session.MarkEnded();
        session.Streams.CompleteListening();
        _meter.SessionEnded(session.OpenedAt, session.Introduction.Version);
        _ = RemoveAsync(id);
        _ = ReleaseAsync(session);
    }

    private static async Task<bool> Done(Task work)
    {
        await work;
        return true;
    }
}
