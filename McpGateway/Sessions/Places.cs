namespace McpGateway.Sessions;

/// <summary>
/// How many sessions a pool may have, and what the next one is opened as. Invariants: sessions and handshakes under way are never
/// more than the limit, since a handshake reserves its place first, and only under the lock; a shelf that somebody waits on and that
/// has no session gets the next place that comes free, so that no profile starves another. A limit that an upstream set ends by a timer
/// alone, which asks the opener, so that none ends unnoticed.
/// </summary>
internal sealed class Places : IDisposable
{
    private static readonly TimeSpan s_limitHolds = TimeSpan.FromMinutes(5);

    private readonly PoolHost _host;
    private readonly SessionRoster _roster;
    private readonly Shelves _shelves;
    private readonly Adoptions _adoptions;
    private readonly CancellationToken _closing;
    private readonly ITimer _doubt;
    private readonly Lock _reserving = new();
    private long _turns;

    /// <summary>Sessions that the upstream allowed when it refused one more; 0 while that is not known.</summary>
    private int _found;

    public Places(PoolHost host, SessionRoster roster, Shelves shelves, Adoptions adoptions, CancellationToken closing)
    {
        (_host, _roster, _shelves, _adoptions, _closing) = (host, roster, shelves, adoptions, closing);
        // It must not run in the trace or the log scopes of whoever made the pool.
        using (ExecutionContext.SuppressFlow()) _doubt = host.Time.CreateTimer(_ => Doubt(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Sessions at most: as configured, or fewer for a while once the upstream has refused one more.</summary>
    public int Limit => Volatile.Read(ref _found) is > 0 and var found ? found : _host.Options.Max;

    /// <summary>Handshakes under way, and sessions being resumed.</summary>
    public int Opening => _shelves.Opening + _adoptions.Opening;

    /// <summary>Places that nobody has or has reserved; negative while more are reserved than the upstream turned out to allow.</summary>
    public int Free => Limit - _roster.Total - Opening;

    /// <summary>How many more sessions are wanted now and may exist, those being opened included.</summary>
    public int Need
    {
        get
        {
            if (IsShut) return 0;
            var wanted = 0;
            // What is being opened counts even where it is not wanted any more: the opener takes it off again.
            if (_host.Options.Mode == PoolMode.Shared) wanted = Math.Max(LackOfShared, _shelves.Default.Opening);
            else foreach (var shelf in _shelves.All) wanted += Math.Max(_shelves.LackOf(shelf), shelf.Opening);
            wanted += _adoptions.Waiting + _adoptions.Opening;
            return Math.Max(0, Math.Min(wanted, Limit - _roster.Total));
        }
    }

    private bool IsShut => _closing.IsCancellationRequested || _host.Drain.IsOn;

    private int LackOfShared => Math.Max(1, _host.Hint.Target) - _roster.All.Count(session => session.State != SessionState.Broken);

    /// <summary>Takes the sessions there are for as many as the upstream allows, for some minutes: one that was just going may have been in the way.</summary>
    /// <returns>The limit; null when there are none, so that it must be somebody else's that is in the way.</returns>
    public int? TryLimit()
    {
        var total = _roster.Total;
        if (total == 0) return null;
        Volatile.Write(ref _found, Math.Min(total, _host.Options.Max));
        _doubt.Change(s_limitHolds, Timeout.InfiniteTimeSpan);
        return total;
    }

    /// <summary>Reserves a place; <see cref="EndOpening"/> must follow.</summary>
    public SessionProfile? TryBeginOpening()
    {
        lock (_reserving)
        {
            if (IsShut || Free <= 0) return null;
            var shelf = _host.Options.Mode == PoolMode.Shared ? (LackOfShared > _shelves.Default.Opening ? _shelves.Default : null) : MostWanted();
            if (shelf is null) return null;
            shelf.Opening++;
            shelf.Turn = ++_turns;
            return shelf.Profile;
        }
    }

    public void EndOpening(SessionProfile profile)
    {
        lock (_reserving) _shelves.Of(profile).Opening--;
    }

    /// <summary>Reserves a place; <see cref="EndAdopting"/> must follow.</summary>
    public SessionKey? TryBeginAdopting()
    {
        lock (_reserving) return IsShut || Free <= 0 ? null : _adoptions.TryBegin();
    }

    public void EndAdopting(SessionKey key, UpstreamSession? session, UpstreamException? failure)
    {
        lock (_reserving) _adoptions.End(key, session, failure);
    }

    public void Dispose() => _doubt.Dispose();

    /// <summary>True for a shelf that somebody waits on, and that has no session and will get none.</summary>
    public bool IsBare(Shelf shelf) => shelf is { Waiting: > 0, Opening: 0 } && _roster.CountOf(shelf.Profile) == 0;

    /// <summary>
    /// The shelf to open a session for: of those that are waited on and have none, the one whose turn was longest ago; else the one
    /// that most wait on; else one that is not as full as it is kept.
    /// </summary>
    private Shelf? MostWanted()
    {
        Shelf? bare = null, waited = null, lacking = null;
        var most = 0;
        foreach (var shelf in _shelves.All)
        {
            if (IsBare(shelf) && (bare is null || shelf.Turn < bare.Turn)) bare = shelf;
            if (shelf.Unserved > most) (waited, most) = (shelf, shelf.Unserved);
            if (lacking is null && _shelves.LackOf(shelf) > shelf.Opening) lacking = shelf;
        }

        return bare ?? waited ?? lacking;
    }

    /// <summary>Has another session asked for where one is wanted. Of a limit found at this very moment too: it is then found again.</summary>
    private void Doubt()
    {
        Volatile.Write(ref _found, 0);
        _host.Request();
    }
}
