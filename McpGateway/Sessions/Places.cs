namespace McpGateway.Sessions;

/// <summary>
/// How many sessions a pool may have, and what the next one is opened as. Invariants: sessions and handshakes under way are never
/// more than the limit, since a handshake reserves its place first, and only under the lock; a shelf that somebody waits on and that
/// has no session gets the next place that comes free, so that no profile starves another.
/// </summary>
internal sealed class Places(PoolHost host, SessionRoster roster, Shelves shelves, Adoptions adoptions, CancellationToken closing)
{
    private static readonly TimeSpan s_limitHolds = TimeSpan.FromMinutes(5);

    private readonly Lock _reserving = new();
    private long _turns;
    private FoundLimit? _found;

    /// <summary>Sessions at most: as configured, or fewer for a while once the upstream has refused one more.</summary>
    public int Limit => Volatile.Read(ref _found) is { } found && host.Time.GetElapsedTime(found.Since) < s_limitHolds ? found.Most : host.Options.Max;

    /// <summary>Handshakes under way, and sessions being resumed.</summary>
    public int Opening => shelves.Opening + adoptions.Opening;

    /// <summary>Places that nobody has or has reserved; negative while more are reserved than the upstream turned out to allow.</summary>
    public int Free => Limit - roster.Total - Opening;

    /// <summary>How many more sessions are wanted now and may exist, those being opened included.</summary>
    public int Need
    {
        get
        {
            if (IsShut) return 0;
            var wanted = 0;
            // What is being opened counts even where it is not wanted any more: the opener takes it off again.
            if (host.Options.Mode == PoolMode.Shared) wanted = Math.Max(LackOfShared, shelves.Default.Opening);
            else foreach (var shelf in shelves.All) wanted += Math.Max(shelves.LackOf(shelf), shelf.Opening);
            wanted += adoptions.Waiting + adoptions.Opening;
            return Math.Max(0, Math.Min(wanted, Limit - roster.Total));
        }
    }

    private bool IsShut => closing.IsCancellationRequested || host.Drain.IsOn;

    private int LackOfShared => Math.Max(1, host.Hint.Target) - roster.All.Count(session => session.State != SessionState.Broken);

    /// <summary>Takes the sessions there are for as many as the upstream allows, for some minutes: one that was just going may have been in the way.</summary>
    /// <returns>The limit; null when there are none, so that it must be somebody else's that is in the way.</returns>
    public int? TryLimit()
    {
        var total = roster.Total;
        if (total == 0) return null;
        Volatile.Write(ref _found, new FoundLimit(Math.Min(total, host.Options.Max), host.Time.GetTimestamp()));
        return total;
    }

    /// <summary>Reserves a place; <see cref="EndOpening"/> must follow.</summary>
    public SessionProfile? TryBeginOpening()
    {
        lock (_reserving)
        {
            if (IsShut || Free <= 0) return null;
            var shelf = host.Options.Mode == PoolMode.Shared ? (LackOfShared > shelves.Default.Opening ? shelves.Default : null) : MostWanted();
            if (shelf is null) return null;
            shelf.Opening++;
            shelf.Turn = ++_turns;
            return shelf.Profile;
        }
    }

    public void EndOpening(SessionProfile profile)
    {
        lock (_reserving) shelves.Of(profile).Opening--;
    }

    /// <summary>Reserves a place; <see cref="EndAdopting"/> must follow.</summary>
    public SessionKey? TryBeginAdopting()
    {
        lock (_reserving) return IsShut || Free <= 0 ? null : adoptions.TryBegin();
    }

    public void EndAdopting(SessionKey key, UpstreamSession? session, UpstreamException? failure)
    {
        lock (_reserving) adoptions.End(key, session, failure);
    }

    /// <summary>True for a shelf that somebody waits on, and that has no session and will get none.</summary>
    public bool IsBare(Shelf shelf) => shelf is { Waiting: > 0, Opening: 0 } && roster.CountOf(shelf.Profile) == 0;

    /// <summary>
    /// The shelf to open a session for: of those that are waited on and have none, the one whose turn was longest ago; else the one
    /// that most wait on; else one that is not as full as it is kept.
    /// </summary>
    private Shelf? MostWanted()
    {
        Shelf? bare = null, waited = null, lacking = null;
        var most = 0;
        foreach (var shelf in shelves.All)
        {
            if (IsBare(shelf) && (bare is null || shelf.Turn < bare.Turn)) bare = shelf;
            if (shelf.Unserved > most) (waited, most) = (shelf, shelf.Unserved);
            if (lacking is null && shelves.LackOf(shelf) > shelf.Opening) lacking = shelf;
        }

        return bare ?? waited ?? lacking;
    }

    /// <summary>How many sessions an upstream allowed, and since when that is known.</summary>
    private sealed record FoundLimit(int Most, long Since);
}
