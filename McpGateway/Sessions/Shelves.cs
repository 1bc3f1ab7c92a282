namespace McpGateway.Sessions;

/// <summary>
/// A shelf per profile that was ever asked for; they are few and small, and so never removed. Invariants: at most
/// <see cref="MostWarm"/> are warm, the default one always; a shelf that somebody waits on does not go cold. The list is
/// replaced, never changed, so that the call path reads it without a lock.
/// </summary>
internal sealed class Shelves
{
    /// <summary>Profiles at most that sessions are kept open for.</summary>
    public const int MostWarm = 8;

    private readonly Lock _changing = new();
    private readonly WarmHint _hint;
    private readonly PoolOptions _options;
    private readonly TimeProvider _time;
    private volatile Shelf[] _all;

    public Shelves(PoolHost host)
    {
        (_hint, _options, _time) = (host.Hint, host.Options, host.Time);
        Default = new Shelf(SessionProfile.Default) { IsWarm = true };
        _all = [Default];
    }

    public Shelf Default { get; }

    public ReadOnlySpan<Shelf> All => _all;

    /// <summary>Handshakes under way for all of them.</summary>
    public int Opening
    {
        get
        {
            var opening = 0;
            foreach (var shelf in All) opening += shelf.Opening;
            return opening;
        }
    }

    public int Idle
    {
        get
        {
            var idle = 0;
            foreach (var shelf in All) idle += shelf.Idle;
            return idle;
        }
    }

    public Shelf? Find(SessionProfile profile)
    {
        foreach (var shelf in All)
        {
            if (shelf.Profile == profile) return shelf;
        }

        return null;
    }

    public Shelf Of(SessionProfile profile) => Find(profile) ?? Add(profile);

    /// <summary>Unused sessions that a shelf is to hold when nobody waits.</summary>
    public int TargetOf(Shelf shelf) => shelf == Default ? _hint.Target : shelf.IsWarm ? _options.MinIdle : 0;

    /// <summary>Sessions that a shelf lacks, those being opened left out of account; negative when it has more than it needs.</summary>
    public int LackOf(Shelf shelf) => Math.Max(TargetOf(shelf), shelf.Waiting) - shelf.Idle;

    /// <summary>Notes that a shelf is used, which makes it warm.</summary>
    /// <returns>The shelf that went cold for it, if one did.</returns>
    public Shelf? Use(Shelf shelf)
    {
        if (shelf == Default) return null;
        shelf.LastUsedAt = _time.GetTimestamp();
        return shelf.IsWarm ? null : Warm(shelf);
    }

    /// <summary>Makes a shelf cold that nobody has used for the idle timeout.</summary>
    public bool TryCool(Shelf shelf)
    {
        lock (_changing)
        {
            if (shelf == Default || !shelf.IsWarm || shelf.Waiting > 0 || _time.GetElapsedTime(shelf.LastUsedAt) < _options.IdleTimeout) return false;
            shelf.IsWarm = false;
            return true;
        }
    }

    /// <summary>Lets all who wait look again.</summary>
    public void Wake()
    {
        foreach (var shelf in All) shelf.Wake();
    }

    private Shelf? Warm(Shelf shelf)
    {
        lock (_changing)
        {
            if (shelf.IsWarm) return null;
            Shelf? oldest = null;
            var warm = 0;
            foreach (var other in All)
            {
                if (!other.IsWarm) continue;
                warm++;
                if (other != Default && other.Waiting == 0 && (oldest is null || other.LastUsedAt < oldest.LastUsedAt)) oldest = other;
            }

            if (warm < MostWarm) oldest = null;
            // With all others waited on it stays cold: who waits on it is served, and nothing is kept for the next.
            else if (oldest is null) return null;
            else oldest.IsWarm = false;
            shelf.IsWarm = true;
            return oldest;
        }
    }

    private Shelf Add(SessionProfile profile)
    {
        lock (_changing)
        {
            if (Find(profile) is { } found) return found;
            var added = new Shelf(profile);
            _all = [.. _all, added];
            return added;
        }
    }
}
