using Agents.Runs;
using Benchmarks.Measure;
using Benchmarks.Servers;
using Microsoft.Extensions.DependencyInjection;

namespace Benchmarks.Cases;

/// <summary>How long a run waits for a worker that has nothing else to do: from the moment the Api stores it to the worker's lease.</summary>
internal static class HandOverCase
{
    private const int RoundCount = 9;
    private const int PerRound = 40;

    public static async Task RunAsync(CancellationToken cancellationToken)
    {
        var stores = await RunStorage.OpenAllAsync();
        try
        {
            Func<Task<double[]>>[] subjects = [.. stores.Select(store => (Func<Task<double[]>>)(() => HandOverAsync(store, cancellationToken)))];
            await Rounds.InterleaveAsync(2, subjects);
            var results = await Rounds.InterleaveAsync(RoundCount, subjects);

            var table = new Table("store to lease, idle worker", "p50 ms", "p95 ms", "goal p50 ms", "p50 to goal");
            for (var i = 0; i < stores.Count; i++)
            {
                var goal = stores[i].Name == "Redis" ? 5.0 : 50.0;
                table.Add(
                    stores[i].Name,
                    Numbers.Ms(Rounds.Median(results[i], waits => Numbers.Quantile(waits, 0.5))),
                    Numbers.Ms(Rounds.Median(results[i], waits => Numbers.Quantile(waits, 0.95))),
                    Numbers.Whole(goal),
                    Numbers.Ratio(Rounds.Median(results[i], waits => Numbers.Quantile(waits, 0.5) / goal)));
            }

            table.Print();
            if (stores.Count == 1) Console.WriteLine("Redis is missing: no redis-server or valkey-server on this machine.");
        }
        finally
        {
            foreach (var store in stores) await store.DisposeAsync();
        }
    }

    /// <returns>The waits, in order of length.</returns>
    private static async Task<double[]> HandOverAsync(RunStorage storage, CancellationToken cancellationToken)
    {
        var queue = storage.Worker.GetRequiredService<IRunQueue>();
        var store = storage.Worker.GetRequiredService<IRunStore>();
        var time = TimeProvider.System;
        var waits = new double[PerRound];
        for (var i = 0; i < waits.Length; i++)
        {
            var claim = queue.ClaimAsync("worker", cancellationToken);
            // The worker has looked and waits. A pause of no round length keeps the looks of both sides from falling into step.
            await Task.Delay(TimeSpan.FromMilliseconds(7 + (i % 31)), time, cancellationToken);
            var start = time.GetTimestamp();
            await storage.SubmitAsync(cancellationToken);
            var lease = await claim;
            waits[i] = time.GetElapsedTime(start).TotalMilliseconds;
            await store.EndAsync(lease, RunState.Completed, null, cancellationToken);
        }

        Array.Sort(waits);
        return waits;
    }
}
