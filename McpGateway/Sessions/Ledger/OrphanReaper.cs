using McpGateway.Upstreams;

namespace McpGateway.Sessions.Ledger;

/// <summary>
/// Ends at their upstreams the sessions that nobody will go on with: those of dead gateways that no pool wants, or that held
/// a caller's state, or were opened with another configuration, and parked ones whose time is over.
/// </summary>
internal sealed class OrphanReaper(GatewayLedger ledger, UpstreamRegistry upstreams, TimeProvider time, ILogger<OrphanReaper> logger) : IDisposable
{
    private const int AtOnce = 8;

    private readonly HttpMessageInvoker _http = UpstreamHttp.CreateClient();

    /// <summary>True while an upstream refuses a session beside one that is not this gateway's.</summary>
    public bool IsAwaited => upstreams.All.Any(static upstream => upstream.IsRefusedBesideAnother);

    /// <summary>One round.</summary>
    public async Task ReapAsync(CancellationToken cancellationToken)
    {
        // After the store was away, whoever lives must first have had the time to say so.
        if (!ledger.IsSettled) return;
        var left = await ledger.ListClaimableAsync(null, cancellationToken);
        // What can be gone on with is there now: an opener that was refused because of it need not wait any longer.
        foreach (var entry in left)
        {
            if (upstreams.Find(entry.Upstream) is { } upstream && ledger.MayResume(entry, upstream.Config)) upstream.Reconsider();
        }

        var orphans = left.Where(IsOrphan);
        await Parallel.ForEachAsync(orphans, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken }, ReapAsync);
    }

    public void Dispose() => _http.Dispose();

    /// <summary>A parked session waits its time out, since a gateway that is still to start may want it; a dead owner's only for a pool that wants one now.</summary>
    private bool IsOrphan(LedgerEntry entry) => entry.ParkedUntil is { } until
        ? until <= time.GetUtcNow()
        : upstreams.Find(entry.Upstream) is not { Need: > 0 } upstream || !ledger.MayResume(entry, upstream.Config);

    private async ValueTask ReapAsync(LedgerEntry entry, CancellationToken cancellationToken)
    {
        if (await ledger.ClaimAsync(entry, cancellationToken) is not { } record) return;
        var upstream = upstreams.Find(entry.Upstream);
        var reason = entry.ParkedUntil is null ? "its gateway is dead" : "no gateway wanted it in time";
        if (await SessionEnd.SendAsync(_http, record.Secret, upstream?.Config, time, cancellationToken) is { } failure)
        {
            logger.OrphanLeft(entry.Upstream, failure);
            await record.ReturnAsync(DateTimeOffset.UnixEpoch);
            return;
        }

        await record.ForgetAsync();
        upstream?.Timeline.Add("orphan reaped", reason);
        logger.OrphanReaped(entry.Upstream, reason);
        upstream?.Reconsider();
    }
}
