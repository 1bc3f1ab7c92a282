using System.Collections.Concurrent;
using System.Globalization;

namespace McpGateway.Sessions.Ledger;

/// <summary>
/// Permits in Redis, one key per upstream. Each operation is one script that compares before it changes. Within this gateway one
/// session's permit is given back before the next asks, so a key with its owner's name and no permit here is what a lost answer left.
/// </summary>
internal sealed class RedisSessionPermits(RedisStore redis, string owner, Func<string, bool> isDead, TimeSpan ownerTime, TimeProvider time) : ISessionPermits
{
    private const string Permits = RedisStore.Prefix + "permit:";

    /// <summary>Keys: permit. Values: whose it may be, with the space after it, value, ttl. Returns false, or what another owner holds it with.</summary>
    private const string Take =
        """
        local held = redis.call('GET', KEYS[1])
        if held and string.sub(held, 1, #ARGV[1]) ~= ARGV[1] then return held end
        redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
        return false
        """;

    /// <summary>Keys: permit. Values: value, ttl. Takes an empty key again, since a store that was restarted has forgotten it.</summary>
    private const string Renew =
        """
        local held = redis.call('GET', KEYS[1])
        if held and held ~= ARGV[1] then return 0 end
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
        return 1
        """;

    /// <summary>Keys: permit. Values: value.</summary>
    private const string Release =
        """
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        return redis.call('DEL', KEYS[1])
        """;

    private static readonly TimeSpan s_again = TimeSpan.FromSeconds(1);

    private readonly PermitTimes _times = PermitTimes.Of(ownerTime);
    private readonly ConcurrentDictionary<string, SessionPermit> _held = new(StringComparer.Ordinal);

    /// <summary>Held from the taking of a permit to its release: an upstream that was changed ends its session before the new one opens its own.</summary>
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _turns = new(StringComparer.Ordinal);

    private long _lastNumber;

    public async Task<SessionPermit?> TakeAsync(string upstream, CancellationToken cancellationToken)
    {
        var turn = _turns.GetOrAdd(upstream, static _ => new SemaphoreSlim(1));
        await turn.WaitAsync(cancellationToken);
        try
        {
            return _held[upstream] = await TakeInTurnAsync(upstream, cancellationToken);
        }
        catch
        {
            turn.Release();
            throw;
        }
    }

    public async Task RenewAsync(CancellationToken cancellationToken)
    {
        foreach (var permit in _held.Values)
        {
            if (permit.Lost.IsCancellationRequested) continue;
            var asked = time.GetTimestamp();
            try
            {
                if ((bool)await redis.EvaluateAsync(Renew, [Permits + permit.Upstream], [permit.Value, InStore], cancellationToken)) permit.Renewed(asked);
                else permit.Taken();
            }
            catch (LedgerUnavailableException)
            {
                // The ledger's own heartbeat says so. The permit's time goes on.
                return;
            }
        }
    }

    private long InStore => (long)_times.InStore.TotalMilliseconds;

    private async Task<SessionPermit> TakeInTurnAsync(string upstream, CancellationToken cancellationToken)
    {
        var value = string.Create(CultureInfo.InvariantCulture, $"{owner} {Interlocked.Increment(ref _lastNumber)}");
        var asked = time.GetTimestamp();
        try
        {
            var holder = await TakeFromAsync(owner, upstream, value, cancellationToken);
            if (holder is not null && isDead(holder)) holder = await TakeFromAsync(holder, upstream, value, cancellationToken);
            if (holder is null) return new SessionPermit(upstream, value, asked, _times, ReleaseAsync, time);
            throw Refusal($"Upstream '{upstream}' has one session (pool.max is 1), and another gateway ({holder}) holds it. Send the call to that gateway, or raise pool.max if the upstream allows more.");
        }
        catch (LedgerUnavailableException exception)
        {
            throw Refusal($"Upstream '{upstream}' has one session (pool.max is 1), and which gateway may hold it cannot be found out: {exception.Message}", exception);
        }
    }

    /// <summary>Takes a permit that nobody or this one has; returns who else has it.</summary>
    private async Task<string?> TakeFromAsync(string holder, string upstream, string value, CancellationToken cancellationToken)
    {
        var held = await redis.EvaluateAsync(Take, [Permits + upstream], [holder + " ", value, InStore], cancellationToken);
        return held.IsNull ? null : ((string)held!).Split(' ')[0];
    }

    private async Task ReleaseAsync(SessionPermit permit)
    {
        _held.TryRemove(KeyValuePair.Create(permit.Upstream, permit));
        try
        {
            await redis.EvaluateAsync(Release, [Permits + permit.Upstream], [permit.Value], CancellationToken.None);
        }
        catch (LedgerUnavailableException)
        {
            // It goes by itself, and until then is this gateway's to take again.
        }
        finally
        {
            _turns[permit.Upstream].Release();
        }
    }

    private static UpstreamException Refusal(string message, Exception? inner = null) => new(FailureKind.OneSession, message, inner, s_again);
}
