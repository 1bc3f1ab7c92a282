using System.Text.Json.Nodes;
using Benchmarks.Load;
using Benchmarks.Measure;
using Benchmarks.Servers;

namespace Benchmarks.Cases;

/// <summary>
/// 50 callers that nobody has seen before call at once, and 5 sessions are warm. The upstream takes 10 ms for a call, so that with 5 sessions and
/// no more the last answer cannot come before 10 × 10 ms: that is the bound. Where the pool may grow, it may come earlier.
/// </summary>
internal static class BurstCase
{
    private const int Callers = 50;
    private const int Warm = 5;
    private const int CallMs = 10;
    private const int WarmUps = 3;
    private const int Bursts = 9;

    public static async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var upstream = await FastUpstream.StartAsync();
        var url = new Uri(upstream.Address, $"/legacy?delay_ms={CallMs}").ToString();
        // A burst leaves a grown pool behind, so each has an upstream of its own.
        await using var gateway = await Gateway.StartAsync([.. Enumerable.Range(0, WarmUps + Bursts).SelectMany(i => ((string, JsonObject)[])[($"fixed{i}", Server(url, Warm)), ($"growing{i}", Server(url, 64))])]);
        using var http = Connections.Open();

        var table = new Table($"{Callers} callers at once, {Warm} warm sessions, {CallMs} ms a call", "wait p50 ms", "wait max ms", "bound ms", "max to bound");
        foreach (var (name, title) in ((string, string)[])[("fixed", "pool of 5"), ("growing", "pool of 5 that may grow to 64")])
        {
            var bursts = new List<double[]>();
            for (var i = 0; i < WarmUps + Bursts; i++) bursts.Add(await BurstAsync(gateway, http, $"{name}{i}", cancellationToken));
            bursts.RemoveRange(0, WarmUps);
            const double Bound = (double)Callers / Warm * CallMs;
            table.Add(
                title,
                Numbers.Ms(Rounds.Median(bursts, waits => Numbers.Quantile(waits, 0.5))),
                Numbers.Ms(Rounds.Median(bursts, waits => waits[^1])),
                Numbers.Whole(Bound),
                Numbers.Ratio(Rounds.Median(bursts, waits => waits[^1] / Bound)));
        }

        table.Print();
        Console.WriteLine("A wait is from sending the call to having its answer. No caller may be refused: one that is ends the run.");
    }

    private static JsonObject Server(string url, int max) => new()
    {
        ["url"] = url,
        ["type"] = "http",
        ["pool"] = new JsonObject { ["mode"] = "exclusive", ["minIdle"] = Warm, ["max"] = max },
    };

    /// <returns>The waits, in order of length.</returns>
    private static async Task<double[]> BurstAsync(Gateway gateway, HttpMessageInvoker http, string upstream, CancellationToken cancellationToken)
    {
        await gateway.WaitIdleAsync(upstream, Warm, cancellationToken);
        var time = TimeProvider.System;
        var start = time.GetTimestamp();
        var waits = await Task.WhenAll(Enumerable.Range(0, Callers).Select(async _ =>
        {
            await new McpCaller(http, gateway.UrlOf(upstream), CallerKind.Modern).CallAsync(cancellationToken);
            return time.GetElapsedTime(start).TotalMilliseconds;
        }));
        return [.. waits.Order()];
    }
}
