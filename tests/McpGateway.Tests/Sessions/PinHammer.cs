using System.Collections.Concurrent;
using McpGateway.Sessions;

namespace McpGateway.Tests.Sessions;

/// <summary>Far more keys than sessions, and callers who leave the line, operators who clear and drain, holds that end while a session comes back.</summary>
public sealed class PinHammer
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 0)]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    [InlineData(4, 1)]
    [InlineData(4, 0)]
    public async Task Keys_AreAllServed_AndNothingIsLost_WhateverHappensInTheLine(int max, int holdMilliseconds)
    {
        const int Callers = 12;
        const int Rounds = 60;
        var options = new PoolOptions { MinIdle = 0, Max = max, AcquireTimeout = TimeSpan.FromMinutes(1), PinHold = TimeSpan.FromMilliseconds(holdMilliseconds) };
        var test = new TestPool(options, TimeProvider.System) { Opens = true };
        var served = new ConcurrentDictionary<SessionKey, int>();
        var drained = 0;

        await Task.WhenAll(Enumerable.Range(0, Callers).Select(caller => Task.Run(() => CallAsync(caller, new Random((max * 100) + caller))))).WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);

        // Those who gave up are gone a moment after their callers.
        await Eventually.HoldsAsync(() => test.Pool.Counts.Waiting == 0);
        served.Count.ShouldBe(Callers * 2, "no key starved");
        test.Pool.Counts.Leased.ShouldBe(0);
        test.Pool.Counts.Pinned.ShouldBeLessThanOrEqualTo(max);
        await test.DisposeAsync();
        test.Sessions.ShouldAllBe(session => session.State == SessionState.Closed && TestPool.LinkOf(session).Disposals == 1 && session.Leases == 0);
        test.Pool.Counts.Total.ShouldBe(0);

        async Task CallAsync(int caller, Random random)
        {
            for (var round = 0; round < Rounds; round++)
            {
                var key = TestPool.Of($"{caller}/{round % 2}", session: caller % 2 == 0);
                switch (random.Next(20))
                {
                    case 0: test.Pool.Clear(CloseReason.Cleared); break;
                    case 1 when Interlocked.Exchange(ref drained, 1) == 0:
                        test.Drain();
                        await Task.Yield();
                        test.Warm(0);
                        Volatile.Write(ref drained, 0);
                        break;
                    case 2: await test.Pool.SweepAsync(TestContext.Current.CancellationToken); break;
                    case 3: await test.Pool.ReleaseAsync(key); break;
                    default: await UseAsync(key, random); break;
                }
            }

            // Whatever was cancelled or refused before: in the end each key gets a session.
            foreach (var turn in (int[])[0, 1])
            {
                var key = TestPool.Of($"{caller}/{turn}", session: caller % 2 == 0);
                while (!served.ContainsKey(key)) await UseAsync(key, random);
            }
        }

        async Task UseAsync(SessionKey key, Random random)
        {
            using var cancellation = new CancellationTokenSource();
            var leasing = test.Pool.LeaseAsync(key, cancellation.Token).AsTask();
            if (random.Next(6) == 0) await cancellation.CancelAsync();
            SessionLease lease;
            try
            {
                lease = await leasing;
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return;
            }
            catch (UpstreamException exception) when (exception.Message.Contains("drained", StringComparison.Ordinal))
            {
                return;
            }

            lease.Session.PinnedTo.ShouldBe(key);
            test.Pool.Counts.Pinned.ShouldBeLessThanOrEqualTo(max);
            test.Pool.Counts.Total.ShouldBeLessThanOrEqualTo(max);
            if (random.Next(3) == 0) await Task.Yield();
            if (random.Next(20) == 0) lease.Break(CloseReason.Broken("told to"));
            served.AddOrUpdate(key, 1, static (_, count) => count + 1);
            await lease.DisposeAsync();
        }
    }
}
