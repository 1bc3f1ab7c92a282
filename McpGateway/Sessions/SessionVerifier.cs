namespace McpGateway.Sessions;

/// <summary>
/// Says whether an idle session may be handed out, and finds out where that takes a round trip or a write. Invariant: it works
/// only on a session it has reserved, so that neither a caller nor the keeper has it meanwhile.
/// </summary>
internal sealed class SessionVerifier(PoolHost host, SessionRoster roster)
{
    private static readonly TimeSpan s_pingTimeout = TimeSpan.FromSeconds(2);

    private long _doubted = long.MinValue;

    /// <summary>What took one session may have taken all: from now on each is asked before it is handed out.</summary>
    public void DoubtAll() => Volatile.Write(ref _doubted, host.Time.GetTimestamp());

    /// <summary>Why a session must not serve this principal; null when it may.</summary>
    public CloseReason? Useless(UpstreamSession session, string principal, long now)
    {
        if (session.Link.BrokenReason is { } reason) return CloseReason.Broken(reason);
        // What one principal did on a session is never seen by another.
        if (session.Principal is { } owner && owner != principal) return CloseReason.OtherPrincipal;
        if (session.Generation != roster.Generation) return CloseReason.Cleared;
        return host.Time.GetElapsedTime(session.OpenedAt, now) > session.Lifetime ? CloseReason.MaxLifetime : null;
    }

    /// <summary>Whether <see cref="ReadyAsync"/> has anything to do.</summary>
    public bool NeedsWork(UpstreamSession session, long now) => MustProbe(session, now) || MustRecord(session);

    /// <summary>Makes a session ready to be leased; closes it and returns false when that fails.</summary>
    public async ValueTask<bool> ReadyAsync(UpstreamSession session) =>
        (!MustProbe(session, host.Time.GetTimestamp()) || await ReservedAsync(session, PingAsync)) && (!MustRecord(session) || await ReservedAsync(session, RecordUseAsync));

    /// <summary>
    /// Does ahead what the next caller would wait for. The session stays free for whoever comes meanwhile: a second ping does no harm, the
    /// record writes once. What fails here is left to him to find. A session that was noted as used and is not ends with a crash instead
    /// of being resumed; at a stop it is parked as the unused one it is.
    /// </summary>
    public async Task PrepareAsync(UpstreamSession session)
    {
        if (MustProbe(session, host.Time.GetTimestamp()) && await PingAsync(session) is not null) return;
        if (MustRecord(session)) await session.Record!.BeginUseAsync();
    }

    /// <summary>Pings a session that the caller has reserved, or that nobody is calling on.</summary>
    /// <returns>Why it does not live; null when it does.</returns>
    public async Task<CloseReason?> PingAsync(UpstreamSession session)
    {
        if (await LinkCalls.PingAsync(session.Link, s_pingTimeout, host.Time) is { } failed) return CloseReason.PingFailed(failed);
        session.Verify(host.Time.GetTimestamp());
        return null;
    }

    /// <summary>Whether a session has been quiet for so long that its upstream might forget it.</summary>
    public bool WantsPing(UpstreamSession session) => session.Link.NeedsProbe && host.Time.GetElapsedTime(session.VerifiedAt) > session.KeepAlive;

    private bool MustProbe(UpstreamSession session, long now) => session.Link.NeedsProbe
        && (host.Time.GetElapsedTime(session.VerifiedAt, now) > host.Options.BypassWindow || session.VerifiedAt <= Volatile.Read(ref _doubted));

    /// <summary>The ledger must know that a session is used before its first caller gets it; where use leaves nothing, it need not.</summary>
    private bool MustRecord(UpstreamSession session) => session.Record is { IsFree: true } && host.Options.Mode != PoolMode.Shared;

    private static async Task<CloseReason?> RecordUseAsync(UpstreamSession session) =>
        await session.Record!.BeginUseAsync() ? null : CloseReason.NotRecorded;

    private async ValueTask<bool> ReservedAsync(UpstreamSession session, Func<UpstreamSession, Task<CloseReason?>> work)
    {
        if (!session.TryReserve())
        {
            roster.TryClose(session);
            return false;
        }

        if (await work(session) is { } reason)
        {
            roster.Retire(session, reason);
            return false;
        }

        if (session.TryUnreserve()) return true;
        roster.TryClose(session);
        return false;
    }
}
