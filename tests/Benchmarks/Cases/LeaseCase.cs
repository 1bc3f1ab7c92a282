using System.Diagnostics.Metrics;
using System.Threading.Channels;
using Benchmarks.Measure;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams;
using McpGateway.Upstreams.Links;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Benchmarks.Cases;

/// <summary>What a lease and its return cost when a session is free, beside the least that any such thing can cost.</summary>
internal static class LeaseCase
{
    private const int Count = 400_000;
    private const int RoundCount = 15;

    private static readonly SessionKey s_alone = new(SessionKey.Anonymous, null);
    private static readonly SessionKey s_pinned = new(SessionKey.Anonymous, "affinity");

    private delegate Task Work(int count);

    public static async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        await using var pool = Pool(services.GetRequiredService<IMeterFactory>());
        var channel = Channel.CreateUnbounded<object>();
        channel.Writer.TryWrite(new object());
        using var semaphore = new SemaphoreSlim(1);

        // The first call with an affinity key pins a session, which is not what is measured.
        await (await pool.LeaseAsync(s_pinned, cancellationToken)).DisposeAsync();
        (string Name, Work Work)[] subjects =
        [
            ("lease + return", count => LeaseAsync(pool, s_alone, count)),
            ("lease + return, pinned", count => LeaseAsync(pool, s_pinned, count)),
            ("SemaphoreSlim(1) wait + release", count => WaitAsync(semaphore, count)),
            ("channel read + write", count => ReadAsync(channel, count)),
        ];
        // Long enough for the compiler to have compiled everything for good.
        for (var i = 0; i < 5; i++) await Rounds.InterleaveAsync(1, [.. subjects.Select(subject => Timed(subject.Work, cancellationToken))]);
        var results = await Rounds.InterleaveAsync(RoundCount, [.. subjects.Select(subject => Timed(subject.Work, cancellationToken))]);

        var table = new Table("uncontended, one session free", "ns", "bytes", "to SemaphoreSlim", "to channel");
        for (var i = 0; i < subjects.Length; i++)
        {
            table.Add(
                subjects[i].Name,
                Numbers.Whole(Rounds.Median(results[i], cost => cost.Nanoseconds)),
                Numbers.Whole(Rounds.Median(results[i], cost => cost.Bytes)),
                Numbers.Ratio(Rounds.Ratio(results[i], results[2], cost => cost.Nanoseconds)),
                Numbers.Ratio(Rounds.Ratio(results[i], results[3], cost => cost.Nanoseconds)));
        }

        table.Print();
        Console.WriteLine("Goal: 200 ns at most, 0 bytes.");
    }

    private static SessionPool Pool(IMeterFactory meters)
    {
        var time = TimeProvider.System;
        var options = new PoolOptions { MinIdle = 0 };
        var pool = new SessionPool(new PoolHost
        {
            Upstream = "bench",
            Options = options,
            Breaker = new Breaker(time, Random.Shared),
            Drain = new OperatorDrain("bench"),
            Hint = new WarmHint(options, time),
            Request = static () => { },
            OnEvicted = static _ => { },
            Meter = new PoolMeter(new PoolMetrics(meters), "bench", time),
            Timeline = new Timeline(time),
            Time = time,
            Logger = NullLogger.Instance,
        });
        for (var number = 1; number <= 2; number++)
            pool.Add(new UpstreamSession(number, new SilentLink(), new ServerProfile(McpEra.Legacy, McpVersion.LatestLegacy, "{}", "{}", null), time.GetTimestamp()) { Lifetime = options.MaxLifetime });
        return pool;
    }

    private static Func<Task<Cost>> Timed(Work work, CancellationToken cancellationToken) => async () =>
    {
        cancellationToken.ThrowIfCancellationRequested();
        var time = TimeProvider.System;
        // Everything here ends synchronously, and so on one thread; if it did not, the bytes would show it.
        var bytes = GC.GetTotalAllocatedBytes(precise: true);
        var start = time.GetTimestamp();
        await work(Count);
        var elapsed = time.GetElapsedTime(start);
        return new Cost(elapsed.TotalNanoseconds / Count, (GC.GetTotalAllocatedBytes(precise: true) - bytes) / Count);
    };

    private static async Task LeaseAsync(SessionPool pool, SessionKey key, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var lease = await pool.LeaseAsync(key, CancellationToken.None);
            await lease.DisposeAsync();
        }
    }

    private static async Task WaitAsync(SemaphoreSlim semaphore, int count)
    {
        for (var i = 0; i < count; i++)
        {
            await semaphore.WaitAsync(CancellationToken.None);
            semaphore.Release();
        }
    }

    private static async Task ReadAsync(Channel<object> channel, int count)
    {
        for (var i = 0; i < count; i++) channel.Writer.TryWrite(await channel.Reader.ReadAsync(CancellationToken.None));
    }

    private sealed record Cost(double Nanoseconds, double Bytes);

    /// <summary>A link nobody calls on: a lease does not touch the wire.</summary>
    private sealed class SilentLink() : UpstreamLink("up", NullLogger.Instance)
    {
        public override UpstreamTransport Transport => UpstreamTransport.Http;

        public override bool KeepsSession => true;

        public override string? BrokenReason => null;

        public override bool NeedsProbe => false;

        public override Task<UpstreamExchange> SendRequestAsync(OutgoingRequest request, CancellationToken cancellationToken) => throw new NotSupportedException("Nothing is sent here.");

        public override Task<bool> ListenAsync(CancellationToken cancellationToken) => Task.FromResult(false);

        public override Task SendNotificationAsync(ReadOnlyMemory<byte> message, McpMethod method, CancellationToken cancellationToken) => throw new NotSupportedException("Nothing is sent here.");

        public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
