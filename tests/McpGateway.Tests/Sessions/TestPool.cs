using System.Collections.Concurrent;
using McpGateway.Protocol;
using McpGateway.Sessions;
using Microsoft.Extensions.Logging.Abstractions;

namespace McpGateway.Tests.Sessions;

/// <summary>A pool over fake links. By default nobody opens: a test adds sessions itself. With <see cref="Opens"/> each request opens what is needed.</summary>
internal sealed class TestPool : IAsyncDisposable
{
    private readonly ConcurrentQueue<UpstreamSession> _sessions = new();
    private long _number;
    private int _requests;

    public TestPool(PoolOptions options, TimeProvider? time = null)
    {
        Time = time ?? new ManualTimeProvider();
        Breaker = new Breaker(Time, new Random(1));
        Timeline = new Timeline(Time);
        Pool = new SessionPool("up", options, Breaker, Request, Evicted.Enqueue, Meters.Pool(Time), Timeline, Time, NullLogger.Instance);
    }

    public TimeProvider Time { get; }

    public ManualTimeProvider Clock => (ManualTimeProvider)Time;

    public Breaker Breaker { get; }

    public Timeline Timeline { get; }

    public SessionPool Pool { get; }

    public ConcurrentQueue<SessionKey> Evicted { get; } = new();

    public IReadOnlyCollection<UpstreamSession> Sessions => _sessions;

    public bool Opens { get; set; }

    public int Requests => Volatile.Read(ref _requests);

    public static SessionKey Alone { get; } = new("me", null);

    public static SessionKey Of(string affinity, bool session = false) => new("me", affinity, session);

    public UpstreamSession Add(bool probed = false, TimeSpan? lifetime = null, TimeSpan? keepAlive = null)
    {
        var session = new UpstreamSession(Interlocked.Increment(ref _number), new FakeLink { Probed = probed }, new ServerProfile(McpEra.Legacy, McpVersion.LatestLegacy, "{}", "{}", null), Time.GetTimestamp())
        {
            Lifetime = lifetime ?? TimeSpan.FromHours(1),
            KeepAlive = keepAlive ?? TimeSpan.FromSeconds(60),
        };
        _sessions.Enqueue(session);
        Pool.Add(session);
        return session;
    }

    public ValueTask<SessionLease> LeaseAsync(SessionKey? key = null) => Pool.LeaseAsync(key ?? Alone, TestContext.Current.CancellationToken);

    public ValueTask DisposeAsync() => Pool.DisposeAsync();

    public static FakeLink LinkOf(UpstreamSession session) => (FakeLink)session.Link;

    private void Request()
    {
        Interlocked.Increment(ref _requests);
        if (!Opens) return;
        lock (_sessions)
        {
            while (Pool.Need > 0) Add();
        }
    }
}
