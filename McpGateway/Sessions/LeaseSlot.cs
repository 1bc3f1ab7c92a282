using System.Diagnostics;

namespace McpGateway.Sessions;

/// <summary>One lease's place on a session. Its version moves on at every return, which makes a stale or second disposal a no-op.</summary>
internal sealed class LeaseSlot(UpstreamSession session)
{
    private int _version;
    private LeaseHolder? _holder;
    private SessionKey _key;
    private Activity? _activity;
    private long? _since;

    public UpstreamSession Session { get; } = session;

    public int Version => Volatile.Read(ref _version);

    /// <summary>Next free slot of the session; only touched under its lock, as everything below.</summary>
    public LeaseSlot? Next { get; set; }

    public bool TryEnd(int version) => Interlocked.CompareExchange(ref _version, version + 1, version) == version;

    /// <summary>Notes who holds it; without a timestamp nobody wants to know.</summary>
    public void Hold(SessionKey holder, long? since) => (_key, _activity, _since, _holder) = (holder, since is null ? null : Activity.Current, since, null);

    public void Release() => (_key, _activity, _since, _holder) = (default, null, null, null);

    public bool IsHeldSince(long before) => _since < before;

    /// <summary>Who holds it, the first time this is asked about one lease; null after that.</summary>
    public LeaseHolder? NameOnce()
    {
        if (_holder is not null) return null;
        return _holder = new LeaseHolder(_key.Affinity ?? _key.Principal, _activity?.TraceId.ToString(), _since ?? 0);
    }
}

/// <summary>Who holds a lease: a run and agent by its affinity, or a principal.</summary>
/// <param name="Caller">The affinity, as the caller gave it, or the principal.</param>
/// <param name="TraceId">The trace the lease was taken in.</param>
/// <param name="Since">Timestamp of the lease.</param>
internal sealed record LeaseHolder(string Caller, string? TraceId, long Since);
