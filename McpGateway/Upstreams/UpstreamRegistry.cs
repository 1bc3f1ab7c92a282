using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Collections.Immutable;
using McpGateway.Calls;
using McpGateway.Calls.Lists;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Sessions.Ledger;

namespace McpGateway.Upstreams;

/// <summary>
/// The upstreams there are. A changed configuration swaps the whole set at once: unchanged upstreams stay as they are, a changed
/// or removed one finishes its calls on its old sessions and is then closed.
/// </summary>
internal sealed class UpstreamRegistry(GatewayOptions options, GatewayLedger ledger, ISessionPermits permits, PoolMetrics pools, CallMetrics calls, TimeProvider time, ILoggerFactory loggers) : IAsyncDisposable
{
    private readonly ILogger _logger = loggers.CreateLogger("McpGateway.Upstreams");
    private readonly Lock _replacing = new();

    /// <summary>Removed and changed ones that still have calls, each with its end. Awaited at the disposal, so that no process or session outlives the gateway.</summary>
    private readonly ConcurrentDictionary<Upstream, Task> _leaving = new();

    private readonly CancellationTokenSource _stopping = new();
    private FrozenDictionary<string, Upstream> _upstreams = FrozenDictionary<string, Upstream>.Empty;
    private Upstream[] _inOrder = [];

    /// <summary>Raised when a pinned session was taken from its owner.</summary>
    public event Action<SessionKey>? Evicted;

    /// <summary>Raised with the name of an upstream of which a list has changed, also when it has come or gone, and the notification that says which. Must not block.</summary>
    public event Action<string, McpMethod>? ListChanged;

    /// <summary>All of them, by name.</summary>
    public IEnumerable<Upstream> All => Volatile.Read(ref _upstreams).Values.OrderBy(upstream => upstream.Name, StringComparer.Ordinal);

    /// <summary>All of them, in the order in which they are written.</summary>
    public IReadOnlyList<Upstream> InOrder => Volatile.Read(ref _inOrder);

    public Upstream? Find(string name) => Volatile.Read(ref _upstreams).GetValueOrDefault(name);

    /// <summary>Makes <paramref name="configs"/> the set, and starts what is new in it.</summary>
    public void Replace(string source, ImmutableSortedDictionary<string, UpstreamConfig> configs)
    {
        var gone = new List<Upstream>();
        lock (_replacing)
        {
            var before = _upstreams;
            var after = configs.Values.ToDictionary(config => config.Name, config => Keep(before, config) ?? Create(config), StringComparer.Ordinal);
            Volatile.Write(ref _upstreams, after.ToFrozenDictionary(StringComparer.Ordinal));
            Volatile.Write(ref _inOrder, [.. configs.Values.OrderBy(static config => config.Order).Select(config => after[config.Name])]);
            gone.AddRange(before.Values.Where(upstream => !ReferenceEquals(after.GetValueOrDefault(upstream.Name), upstream)));
        }

        _logger.UpstreamsLoaded(source, configs.Count == 0 ? "none" : string.Join(", ", configs.Keys));
        foreach (var upstream in gone)
        {
            foreach (var list in ListKind.All) ListChanged?.Invoke(upstream.Name, list.Change);
            _leaving[upstream] = LeaveAsync(upstream);
        }
    }

    /// <summary>Before the disposal: leaves what can be resumed to the next gateway.</summary>
    public async Task ParkAsync()
    {
        if (options.ParkTimeout > TimeSpan.Zero) await Task.WhenAll(All.Select(upstream => upstream.ParkAsync(time.GetUtcNow() + options.ParkTimeout)));
    }

    /// <summary>Sessions in use and callers that wait for one, those of upstreams that were removed or changed included.</summary>
    public int UnderWay => All.Concat(_leaving.Keys).Sum(upstream => upstream.Counts is var counts ? counts.Leased + counts.Waiting : 0);

    /// <summary>Ends the calls under way, also those that wait for a session.</summary>
    public void AbandonCalls()
    {
        foreach (var upstream in All.Concat(_leaving.Keys)) upstream.AbandonCalls();
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(All.Select(upstream => upstream.DisposeAsync().AsTask()).Concat(_leaving.Values));
    }

    private static Upstream? Keep(FrozenDictionary<string, Upstream> before, UpstreamConfig config) =>
        before.GetValueOrDefault(config.Name) is { } upstream && upstream.Config.Fingerprint == config.Fingerprint ? upstream : null;

    private Upstream Create(UpstreamConfig config)
    {
        var upstream = new Upstream(config, options, UpstreamHttp.CreateClient(), ledger, permits, pools, calls, key => Evicted?.Invoke(key), time, _logger);
        upstream.ListChanged += list => ListChanged?.Invoke(config.Name, list);
        upstream.Start();
        return upstream;
    }

    private async Task LeaveAsync(Upstream upstream)
    {
        // Behind the assignment of this task: it takes itself out again.
        await Task.Yield();
        upstream.Leave();
        await CloseWhenUnusedAsync(upstream);
        _leaving.TryRemove(upstream, out _);
    }

    private async Task CloseWhenUnusedAsync(Upstream upstream)
    {
        // What still runs at the deadline is told that its outcome is unknown.
        if (!await IsUnusedWithinAsync(upstream, options.DrainTimeout))
        {
            upstream.AbandonCalls();
            await IsUnusedWithinAsync(upstream, Upstream.AbandonTime);
        }

        await upstream.DisposeAsync();
    }

    private async Task<bool> IsUnusedWithinAsync(Upstream upstream, TimeSpan most)
    {
        using var timeout = new CancellationTokenSource(most, time);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, _stopping.Token);
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(100), time);
        try
        {
            // One round at least: a call may have found the upstream and not have leased yet.
            do await poll.WaitForNextTickAsync(deadline.Token);
            while (upstream.Counts is { Leased: > 0 } or { Waiting: > 0 });
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
