using Agents.Runs;
using Benchmarks.Measure;
using Benchmarks.Servers;
using Microsoft.Extensions.DependencyInjection;

namespace Benchmarks.Cases;

/// <summary>
/// How many events a second get from a worker to a reader that follows the run elsewhere. The worker waits for each event to be stored before it
/// writes the next, as an agent does; many runs at once do so beside each other.
/// </summary>
internal static class EventsCase
{
    private const int RoundCount = 5;
    private const int EventsPerRound = 1_600;
    private const int ManyRuns = 16;

    public static async Task RunAsync(CancellationToken cancellationToken)
    {
        var stores = await RunStorage.OpenAllAsync();
        try
        {
            var table = new Table(["events a second, stored and read", .. stores.Select(store => store.Name), "SQLite to Redis"]);
            foreach (var (title, runs) in ((string, int)[])[("one run", 1), ($"{ManyRuns} runs together", ManyRuns)])
            {
                Func<Task<double>>[] subjects = [.. stores.Select(store => (Func<Task<double>>)(() => RateAsync(store, runs, cancellationToken)))];
                await Rounds.InterleaveAsync(1, subjects);
                var results = await Rounds.InterleaveAsync(RoundCount, subjects);
                var ratio = stores.Count == 2 ? Rounds.Ratio(results[0], results[1], rate => rate) : double.NaN;
                table.Add([title, .. results.Select(rates => Numbers.Whole(Rounds.Median(rates, rate => rate))), Numbers.Ratio(ratio)]);
            }

            table.Print();
        }
        finally
        {
            foreach (var store in stores) await store.DisposeAsync();
        }
    }

    private static async Task<double> RateAsync(RunStorage storage, int runs, CancellationToken cancellationToken)
    {
        var leases = new List<RunLease>();
        for (var i = 0; i < runs; i++)
        {
            await storage.SubmitAsync(cancellationToken);
            leases.Add(await storage.Worker.GetRequiredService<IRunQueue>().ClaimAsync("worker", cancellationToken));
        }

        var time = TimeProvider.System;
        var start = time.GetTimestamp();
        var counts = await Task.WhenAll(leases.Select(lease => Task.Run(() => TellAsync(storage, lease, EventsPerRound / runs, cancellationToken), cancellationToken)));
        return counts.Sum() / time.GetElapsedTime(start).TotalSeconds;
    }

    /// <returns>How many events the reader got.</returns>
    private static async Task<int> TellAsync(RunStorage storage, RunLease lease, int count, CancellationToken cancellationToken)
    {
        var reading = CountAsync(storage, lease.RunId, cancellationToken);
        var events = storage.Worker.GetRequiredService<IRunEvents>();
        for (var i = 0; i < count; i++)
            await events.AppendAsync(lease, [RunEventDraft.Of(RunEventTypes.TextDelta, "tester", new { Text = "some words of an answer " })], cancellationToken);
        await storage.Worker.GetRequiredService<IRunStore>().EndAsync(lease, RunState.Completed, null, cancellationToken);
        return await reading;
    }

    private static async Task<int> CountAsync(RunStorage storage, string runId, CancellationToken cancellationToken)
    {
        var count = 0;
        await foreach (var _ in storage.Api.GetRequiredService<IRunEvents>().TailAsync(runId, 0, cancellationToken)) count++;
        return count;
    }
}
