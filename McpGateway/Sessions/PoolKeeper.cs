namespace McpGateway.Sessions;

/// <summary>
/// One round over a pool: closes what is too old or one too many, pings what has been quiet, names who forgot a lease.
/// Sessions go round, so that under a light load each is used within the idle timeout, however many there are: those that were
/// on the shelf all through the last idle timeout, beside the ones it is to hold, were not needed and are closed too.
/// Invariant: it takes an idle session off its shelf and reserves it as a caller would, so that the two never meet on one.
/// </summary>
internal sealed class PoolKeeper(PoolHost host, SessionRoster roster, Shelves shelves, SessionVerifier verifier, Pins pins, Action<UpstreamSession> putBack)
{
    private static readonly TimeSpan s_leakGrace = TimeSpan.FromSeconds(30);

    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        foreach (var shelf in shelves.All.ToArray()) await SweepAsync(shelf, cancellationToken);
        await pins.SweepAsync(cancellationToken);
        foreach (var session in roster.All) WarnOfLongLeases(session);
    }

    private async Task SweepAsync(Shelf shelf, CancellationToken cancellationToken)
    {
        shelves.TryCool(shelf);
        var surplus = CountSurplus(shelf);
        for (var i = shelf.Idle; i > 0 && shelf.TryTakeToKeep(out var session); i--, surplus--)
        {
            if (session.TryReserve()) await KeepAsync(shelf, session, surplus > 0, cancellationToken);
            else roster.TryClose(session);
        }
    }

    /// <summary>Sessions that nobody needed in the last idle timeout; 0 in between.</summary>
    private int CountSurplus(Shelf shelf)
    {
        var now = host.Time.GetTimestamp();
        if (host.Time.GetElapsedTime(shelf.CountedSince, now) < host.Options.IdleTimeout) return 0;
        shelf.CountedSince = now;
        return shelf.EndCount() - shelves.TargetOf(shelf);
    }

    private async Task KeepAsync(Shelf shelf, UpstreamSession session, bool isSurplus, CancellationToken cancellationToken)
    {
        var now = host.Time.GetTimestamp();
        var idle = host.Time.GetElapsedTime(session.LastUsedAt, now);
        var reason = verifier.Useless(session, session.Principal ?? "", now)
            ?? ((isSurplus || idle > host.Options.IdleTimeout) && shelf.Idle >= shelves.TargetOf(shelf) ? CloseReason.Idle : null);
        if (reason is null && verifier.WantsPing(session) && !cancellationToken.IsCancellationRequested) reason = await verifier.PingAsync(session);
        if (reason is not null) roster.Retire(session, reason);
        else if (session.TryUnreserve()) putBack(session);
        else roster.TryClose(session);
    }

    /// <summary>A call cannot hold a lease for longer than its own deadline, so one that does has been forgotten. The time it waits for its client is not counted.</summary>
    private void WarnOfLongLeases(UpstreamSession session)
    {
        var time = host.Time;
        var before = time.GetTimestamp() - (long)((host.Options.CallTimeout + s_leakGrace).TotalSeconds * time.TimestampFrequency);
        foreach (var holder in session.LongHolders(before))
        {
            host.Timeline.Add("lease not returned", $"by {holder.Caller} since {time.GetElapsedTime(holder.Since).TotalSeconds:0} s");
            host.Logger.LeaseNotReturned(host.Upstream, session.Number, holder.Caller, holder.TraceId, time.GetElapsedTime(holder.Since).TotalSeconds);
        }
    }
}
