namespace McpGateway.Sessions;

/// <summary>What a caller is told for whom there is no session: what is so, and what of it can be changed.</summary>
internal sealed class Starvation(PoolHost host, Places places, Func<PoolCounts> counts)
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(1);

    /// <summary>As many wait as may.</summary>
    public UpstreamException TooManyWait() => Say("as many callers as may wait are waiting already", " Or raise pool.maxWaiting.");

    /// <summary>He has waited for as long as one may.</summary>
    public UpstreamException TooLong() => Say($"none became free within {host.Options.AcquireTimeout.TotalSeconds:0.#} s", "");

    private UpstreamException Say(string why, string alsoHelps)
    {
        var now = counts();
        var (remedy, retryAfter) = Remedy(now);
        return new UpstreamException(FailureKind.Throttled,
            $"No session of upstream '{host.Upstream}' is free: {why} ({now.Total} of {places.Limit} open, {places.Opening} being opened, {now.Leased} in use, {now.Pinned} pinned, {now.Waiting} waiting"
            + $"{(host.Breaker.LastFailure is { } last ? $"; last failure to open: {last.Message}" : "")}{(host.Breaker.HeldBack is { } held ? $"; {held}" : "")}). {remedy}{alsoHelps}",
            host.Breaker.LastFailure, retryAfter);
    }

    /// <summary>More sessions are a remedy only where they could be had.</summary>
    private (string Remedy, TimeSpan RetryAfter) Remedy(PoolCounts now)
    {
        var options = host.Options;
        if (host.CountLongHandshakes() is > 0 and var stuck)
            return ($"The upstream has not answered {stuck} {(stuck == 1 ? "handshake" : "handshakes")} for more than {SessionOpener.Long.TotalSeconds:0} s: look into it, and once it answers again, POST /upstreams/{host.Upstream}/clear begins them anew.", s_soon);
        if (host.Breaker.HeldBack is not null) return ("Raise pool.handshakesPerMinute as far as the upstream allows.", s_soon);
        if (now.Total < places.Limit)
        {
            var wait = host.Breaker.RetryAt - host.Time.GetUtcNow();
            if (host.Breaker.LastFailure is not null)
                return wait > TimeSpan.Zero ? ($"Look into the upstream; it is tried again in {wait.TotalSeconds:0.#} s.", wait) : ("Look into the upstream; it is being tried again.", s_soon);
            // Those that are being opened now are spoken for where all other places are kept for somebody.
            if (now.Pinned == 0 || places.Free > 0) return ("Others are being opened: try again. Raise pool.minIdle, so that they are open before they are wanted, or pool.acquireTimeout.", s_soon);
        }

        if (places.Limit < options.Max) return ($"The upstream allows no more than {places.Limit} at once; that is the upstream's to change.", s_soon);
        return now.Pinned > 0 && options.Mode != PoolMode.Shared
            ? ($"Raise pool.max, or pool.acquireTimeout; or shorten pool.pinHold ({options.PinHold.TotalSeconds:0.###} s), for which each pinned one is kept at least.", options.PinHold > s_soon ? options.PinHold : s_soon)
            : ("Raise pool.max.", s_soon);
    }
}
