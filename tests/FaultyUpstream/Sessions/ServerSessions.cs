using System.Collections.Concurrent;

namespace FaultyUpstream.Sessions;

/// <summary>How a session came to its end.</summary>
internal enum SessionEnd
{
    /// <summary>The client sent DELETE.</summary>
    Deleted,

    /// <summary>The client closed its stream or its pipe.</summary>
    Disconnected,

    /// <summary>The server forgot it.</summary>
    Dropped,
}

/// <summary>The sessions the server knows. Invariant: who removes one from the dictionary ends and counts it, so it is counted once.</summary>
internal sealed class ServerSessions
{
    private readonly ConcurrentDictionary<string, ServerSession> _sessions = new();
    private readonly int[] _ended = new int[Enum.GetValues<SessionEnd>().Length];
    private int _opened;

    public IReadOnlyCollection<ServerSession> All => [.. _sessions.Values];

    /// <summary>How many finished <c>initialize</c> and live.</summary>
    public int Open => _sessions.Values.Count(session => session.Version is not null);

    public int Opened => Volatile.Read(ref _opened);

    public void Add(ServerSession session) => _sessions[session.Id] = session;

    public void CountOpened() => Interlocked.Increment(ref _opened);

    public ServerSession? Find(string? id) => id is not null && _sessions.TryGetValue(id, out var session) ? session : null;

    /// <returns>False when it is gone already.</returns>
    public bool End(ServerSession session, SessionEnd how, bool hard = false)
    {
        if (!_sessions.TryRemove(session.Id, out _)) return false;
        if (session.Version is not null) Count(how);
        session.End(hard);
        return true;
    }

    public void Count(SessionEnd how) => Interlocked.Increment(ref _ended[(int)how]);

    public int EndedBy(SessionEnd how) => Volatile.Read(ref _ended[(int)how]);

    public void ResetCounts()
    {
        Volatile.Write(ref _opened, 0);
        Array.Clear(_ended);
    }
}
