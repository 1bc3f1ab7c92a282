using System.Diagnostics;

namespace McpGateway.Sessions;

/// <summary>
/// One lease's place on a session. Its version is even while it is free and odd while it is held; each lease has an odd number of its
/// own, which makes a stale or second disposal a no-op. What is noted of the holder is written by the holder alone, the timestamp last
/// and taken back before the slot is free again: whoever reads a timestamp, then the rest, then the same version as before, has read
/// one lease.
/// </summary>
internal sealed class LeaseSlot(UpstreamSession session)
{
    /// <summary>A timestamp that nobody took.</summary>
    public const long Untimed = long.MinValue;

    /// <summary>Between held and free, while the one winner of a return tidies up. Odd, so that nobody takes the slot.</summary>
    private const long Ending = -1;

    private long _version;
    private long _since = Untimed;
    private long _countsFrom;
    private string? _caller;
    private Activity? _activity;
    private long _named;

    public UpstreamSession Session { get; } = session;

    public long Version => Volatile.Read(ref _version);

    /// <summary>Next free slot of the session; only touched under its lock.</summary>
    public LeaseSlot? Next { get; set; }

    /// <summary>Takes the slot for one lease; false when it is held.</summary>
    /// <param name="caller">Who gets it.</param>
    /// <param name="since">Timestamp of the lease; <see cref="Untimed"/> when nobody will ask who holds it.</param>
    public bool TryHold(string? caller, long since)
    {
        var version = Volatile.Read(ref _version);
        if ((version & 1) != 0 || Interlocked.CompareExchange(ref _version, version + 1, version) != version) return false;
        if (since == Untimed) return true;
        // Compared, since storing a reference costs more.
        if (!ReferenceEquals(_caller, caller)) _caller = caller;
        if (Activity.Current is { } activity) _activity = activity;
        Volatile.Write(ref _countsFrom, since);
        Volatile.Write(ref _since, since);
        return true;
    }

    /// <summary>Ends the lease of that version; true for the one call that did it.</summary>
    /// <param name="version">The slot's version during the lease.</param>
    /// <param name="since">What the lease was taken with.</param>
    public bool TryEnd(long version, out long since)
    {
        since = Untimed;
        if (Interlocked.CompareExchange(ref _version, Ending, version) != version) return false;
        since = _since;
        _since = Untimed;
        if (_activity is not null) _activity = null;
        Volatile.Write(ref _version, version + 1);
        return true;
    }

    /// <summary>Has the lease of that version counted as if it had been taken then: its call waited, or will wait, for its client until then. For the holder alone.</summary>
    public void CountFrom(long version, long timestamp)
    {
        if (Version == version) Volatile.Write(ref _countsFrom, timestamp);
    }

    /// <summary>Who has held it since before <paramref name="before"/>, the first time this is asked about one lease; else null. For the keeper alone.</summary>
    public LeaseHolder? NameOnce(long before)
    {
        var version = Volatile.Read(ref _version);
        if ((version & 1) == 0 || version == Ending || version == _named) return null;
        var since = Volatile.Read(ref _since);
        if (since == Untimed || Volatile.Read(ref _countsFrom) >= before) return null;
        var holder = new LeaseHolder(_caller ?? "", _activity?.TraceId.ToString(), since);
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _version) != version) return null;
        _named = version;
        return holder;
    }
}

/// <summary>Who holds a lease: a run and agent by its affinity, or a principal.</summary>
/// <param name="Caller">The affinity, as the caller gave it, or the principal.</param>
/// <param name="TraceId">The trace the lease was taken in.</param>
/// <param name="Since">Timestamp of the lease.</param>
internal sealed record LeaseHolder(string Caller, string? TraceId, long Since);
