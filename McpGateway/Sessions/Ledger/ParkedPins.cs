using System.Collections.Frozen;
using McpGateway.Upstreams;

namespace McpGateway.Sessions.Ledger;

/// <summary>
/// Whose own sessions wait in the store, as of the last look at it, so that a caller who comes is not kept waiting for the store to
/// say that there is none. The set is replaced, never changed; who finds his key in it still has to win the claim.
/// </summary>
internal sealed class ParkedPins(ILogger logger)
{
    private readonly Lock _replacing = new();
    private volatile FrozenSet<ParkedPin> _all = FrozenSet<ParkedPin>.Empty;

    public bool Has(UpstreamConfig config, SessionKey key) =>
        _all is { Count: > 0 } all && key.Affinity is { } affinity
        && all.Contains(new ParkedPin(config.Name, config.Fingerprint, key.Profile.ToString(), key.Principal, affinity, key.IsOfSession));

    /// <summary>Takes note of what a look found.</summary>
    /// <param name="upstream">It looked at this one alone; null for all.</param>
    /// <param name="found">All that wait there.</param>
    public void Replace(string? upstream, IEnumerable<ParkedPin> found)
    {
        lock (_replacing)
        {
            var before = _all;
            var others = upstream is null ? [] : before.Where(pin => pin.Upstream != upstream);
            var after = others.Concat(found).ToFrozenSet();
            if (after.SetEquals(before)) return;
            _all = after;
            logger.SessionsWait(after.Count);
        }
    }
}

/// <summary>A key whose session waits.</summary>
internal sealed record ParkedPin(string Upstream, string Fingerprint, string Profile, string Principal, string Affinity, bool IsOfSession)
{
    /// <summary>Null when it waits for nobody in particular, or does not open.</summary>
    public static ParkedPin? Of(LedgerEntry entry, SessionSecret? secret) => secret is { Affinity: { } affinity, Principal: { } principal, Profile: { } profile }
        ? new ParkedPin(entry.Upstream, entry.Fingerprint, profile, principal, affinity, secret.IsOfSession)
        : null;
}
