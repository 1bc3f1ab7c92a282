using System.Collections.Concurrent;
using McpGateway.Sessions;

namespace McpGateway.Tests.Sessions;

public sealed class SessionPoolHammer
{
    private static readonly SessionProfile[] s_profiles =
    [
        SessionProfile.Default,
        SessionProfile.Of("2025-06-18", ClientCapabilities.None),
        SessionProfile.Of("2025-06-18", ClientCapabilities.Sampling),
        SessionProfile.Of("2024-11-05", ClientCapabilities.None),
    ];

    /// <summary>Many callers lease, return twice, break, cancel, leave and sweep at once: the invariants of the pool hold all the while, and nothing is left at the end.</summary>
    [Theory]
    [InlineData(PoolMode.Exclusive, 1, 6, 1)]
    [InlineData(PoolMode.SingleUse, 2, 6, 1)]
    [InlineData(PoolMode.Auto, 3, 6, 1)]
    [InlineData(PoolMode.Shared, 4, 6, 1)]
    [InlineData(PoolMode.Auto, 5, 6, 1)]
    [InlineData(PoolMode.Exclusive, 6, 6, 4)]
    [InlineData(PoolMode.Exclusive, 7, 1, 3)]
    [InlineData(PoolMode.Auto, 8, 3, 3)]
    [InlineData(PoolMode.SingleUse, 9, 2, 3)]
    public async Task Pool_KeepsItsInvariants_WhateverItsCallersDo(object mode, int seed, int max, int profiles)
    {
        var options = new PoolOptions { Mode = (PoolMode)mode, MinIdle = 1, Max = max, MaxWaiting = 64, AcquireTimeout = TimeSpan.FromSeconds(20), PinHold = TimeSpan.FromMilliseconds(seed % 3) };
        var test = new TestPool(options, TimeProvider.System) { Opens = true };
        var holders = new ConcurrentDictionary<long, int>();
        test.Add();

        await Task.WhenAll(Enumerable.Range(0, 12).Select(caller => Task.Run(() => CallAsync(new Random((seed * 1000) + caller)))));

        test.Pool.Counts.Leased.ShouldBe(0);
        test.Pool.Counts.Waiting.ShouldBe(0);
        test.Pool.Counts.Total.ShouldBe(test.Sessions.Count(session => session.State != SessionState.Closed));
        test.Pool.Counts.Total.ShouldBeLessThanOrEqualTo(options.Max);
        await test.DisposeAsync();
        test.Sessions.ShouldAllBe(session => session.State == SessionState.Closed && TestPool.LinkOf(session).Disposals == 1 && session.Leases == 0);
        test.Pool.Counts.Total.ShouldBe(0);

        async Task CallAsync(Random random)
        {
            for (var round = 0; round < 300; round++)
            {
                // Alone only in the modes where that means "nobody else on it".
                var affinity = options.Mode == PoolMode.Auto && random.Next(2) == 0 ? $"key-{random.Next(4)}" : null;
                var key = new SessionKey(random.Next(2) == 0 ? "me" : "you", affinity) { Profile = s_profiles[random.Next(profiles)] };
                switch (random.Next(12))
                {
                    case 0: await test.Pool.SweepAsync(TestContext.Current.CancellationToken); break;
                    case 1: await test.Pool.ReleaseAsync(key); break;
                    case 2: test.Pool.WakeWaiters(); break;
                    default: await UseAsync(key, random); break;
                }
            }
        }

        async Task UseAsync(SessionKey key, Random random)
        {
            using var cancellation = new CancellationTokenSource();
            var leasing = test.Pool.LeaseAsync(key, cancellation.Token).AsTask();
            if (random.Next(8) == 0) await cancellation.CancelAsync();
            SessionLease lease;
            try
            {
                lease = await leasing;
            }
            catch (OperationCanceledException)
            {
                return;
            }

            var session = lease.Session;
            var now = holders.AddOrUpdate(session.Number, 1, static (_, count) => count + 1);
            if (key.Affinity is null && options.Mode != PoolMode.Shared) now.ShouldBe(1);
            if (key.Affinity is not null) session.PinnedTo.ShouldBe(key);
            if (options.Mode != PoolMode.Shared) (session.Profile, session.Principal).ShouldBe((key.Profile, key.Principal));
            test.Pool.Counts.Total.ShouldBeLessThanOrEqualTo(options.Max);
            session.State.ShouldBeOneOf(SessionState.Leased, SessionState.Broken);
            if (random.Next(3) == 0) await Task.Yield();
            if (random.Next(20) == 0) lease.Break(CloseReason.Broken("told to"));
            if (random.Next(20) == 0) TestPool.LinkOf(session).Break("link gone");
            holders.AddOrUpdate(session.Number, 0, static (_, count) => count - 1);
            await lease.DisposeAsync();
            if (random.Next(4) == 0) await lease.DisposeAsync();
        }
    }
}
