using System.Net;
using McpGateway.Protocol;
using McpGateway.Upstreams;

namespace McpGateway.Sessions.Ledger;

/// <summary>
/// Ends at their upstreams the sessions that nobody will go on with: those of dead gateways that no pool wants, or that held
/// a caller's state, or were opened with another configuration, and parked ones whose time is over.
/// </summary>
internal sealed class OrphanReaper(GatewayLedger ledger, UpstreamRegistry upstreams, TimeProvider time, ILogger<OrphanReaper> logger) : IDisposable
{
    private const int AtOnce = 8;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly HttpMessageInvoker _http = UpstreamHttp.CreateClient();

    /// <summary>One round.</summary>
    public async Task ReapAsync(CancellationToken cancellationToken)
    {
        // After the store was away, whoever lives must first have had the time to say so.
        if (!ledger.IsSettled) return;
        var orphans = (await ledger.ListClaimableAsync(null, cancellationToken)).Where(IsOrphan);
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
        if (await EndAsync(record.Secret, upstream?.Config, cancellationToken) is { } failure)
        {
            logger.OrphanLeft(entry.Upstream, failure);
            await record.ReturnAsync(DateTimeOffset.UnixEpoch);
            return;
        }

        await record.ForgetAsync();
        upstream?.Timeline.Add("orphan reaped", reason);
        logger.OrphanReaped(entry.Upstream, reason);
    }

    /// <summary>Sends DELETE. Whatever a living upstream answers is its last word; null then, else why there was none.</summary>
    private async Task<string?> EndAsync(SessionSecret secret, UpstreamConfig? config, CancellationToken cancellationToken)
    {
        using var delete = new HttpRequestMessage(HttpMethod.Delete, secret.Url);
        // A credential goes only where it is configured for.
        if (config?.Url is { } url && Uri.Compare(url, secret.Url, UriComponents.SchemeAndServer, UriFormat.Unescaped, StringComparison.OrdinalIgnoreCase) == 0)
        {
            foreach (var (name, value) in config.Headers) delete.Headers.TryAddWithoutValidation(name, value);
        }

        delete.Headers.TryAddWithoutValidation(McpHeader.ProtocolVersion, secret.Server.Version);
        delete.Headers.TryAddWithoutValidation(McpHeader.SessionId, secret.SessionId);
        using var deadline = new CancellationTokenSource(s_patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            using var response = await _http.SendAsync(delete, either.Token);
            return response.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout
                ? $"HTTP {(int)response.StatusCode}"
                : null;
        }
        catch (HttpRequestException exception)
        {
            return exception.Message;
        }
        catch (OperationCanceledException)
        {
            return cancellationToken.IsCancellationRequested ? "the gateway stops" : $"no answer within {s_patience.TotalSeconds:0} s";
        }
    }
}
