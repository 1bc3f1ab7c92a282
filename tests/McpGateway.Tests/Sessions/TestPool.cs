using System.Collections.Concurrent;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Sessions.Ledger;
using Microsoft.Extensions.Logging.Abstractions;

namespace McpGateway.Tests.Sessions;

/// <summary>A pool over fake links. By default nobody opens: a test adds sessions itself. With <see cref="Opens"/> each request opens what is needed.</summary>
internal sealed class TestPool : IAsyncDisposable
{
    private readonly ConcurrentQueue<UpstreamSession> _sessions = new();
    private readonly OperatorDrain _drain = new("up");
    private readonly WarmHint _hint;
    private long _number;
    private int _requests;

    public TestPool(PoolOptions options, TimeProvider? time = null)
    {
        Time = time ?? new ManualTimeProvider();
        Breaker = new Breaker(Time, new Random(1));
        Timeline = new Timeline(Time);
        _hint = new WarmHint(options, Time);
        Pool = new SessionPool(new PoolHost
        {
            Upstream = "up",
            Options = options,
            Breaker = Breaker,
            Drain = _drain,
            Hint = _hint,
            Request = Request,
            CountLongHandshakes = () => LongHandshakes,
            IsParked = Parked.Contains,
            OnEvicted = Evicted.Enqueue,
            Meter = Meters.Pool(Time),
            Timeline = Timeline,
            Time = Time,
            Logger = NullLogger.Instance,
        });
    }

    public TimeProvider Time { get; }

    public ManualTimeProvider Clock => (ManualTimeProvider)Time;

    public Breaker Breaker { get; }

    public Timeline Timeline { get; }

    public SessionPool Pool { get; }

    public ConcurrentQueue<SessionKey> Evicted { get; } = new();

    /// <summary>Keys whose session a gateway that stopped has left; the test resumes them itself.</summary>
    public HashSet<SessionKey> Parked { get; } = [];

    public IReadOnlyCollection<UpstreamSession> Sessions => _sessions;

    public bool Opens { get; set; }

    public int LongHandshakes { get; set; }

    public int Requests => Volatile.Read(ref _requests);

    public static SessionKey Alone { get; } = new("me", null);

    public static SessionKey Of(string affinity, bool session = false) => new("me", affinity, session);

    public UpstreamSession Add(bool probed = false, TimeSpan? lifetime = null, TimeSpan? keepAlive = null, SessionProfile? profile = null)
    {
        var session = Create(probed, lifetime, keepAlive, profile);
        Pool.Add(session);
        return session;
    }

    /// <summary>A session that is not in the pool.</summary>
    public UpstreamSession Create(bool probed = false, TimeSpan? lifetime = null, TimeSpan? keepAlive = null, SessionProfile? profile = null, SessionRecord? record = null)
    {
        var session = new UpstreamSession(Interlocked.Increment(ref _number), new FakeLink { Probed = probed }, new ServerProfile(McpEra.Legacy, McpVersion.LatestLegacy, "{}", "{}", null), Time.GetTimestamp())
        {
            Lifetime = lifetime ?? TimeSpan.FromHours(1),
            KeepAlive = keepAlive ?? TimeSpan.FromSeconds(60),
            Profile = profile ?? SessionProfile.Default,
            Record = record,
        };
        _sessions.Enqueue(session);
        return session;
    }

    public ValueTask<SessionLease> LeaseAsync(SessionKey? key = null) => Pool.LeaseAsync(key ?? Alone, TestContext.Current.CancellationToken);

    /// <summary>As an upstream does it.</summary>
    public void Warm(int count)
    {
        _hint.Give(count);
        _drain.End();
        Request();
    }

    /// <summary>As an upstream does it.</summary>
    public void Drain()
    {
        _drain.Begin();
        Pool.Clear(CloseReason.Drained);
    }

    public ValueTask DisposeAsync() => Pool.DisposeAsync();

    public static FakeLink LinkOf(UpstreamSession session) => (FakeLink)session.Link;

    private void Request()
    {
        Interlocked.Increment(ref _requests);
        if (!Opens) return;
        lock (_sessions)
        {
            while (Pool.TryBeginOpening() is { } profile)
            {
                Add(profile: profile);
                Pool.EndOpening(profile);
            }
        }
    }
}
