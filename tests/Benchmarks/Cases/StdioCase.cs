using Benchmarks.Load;
using Benchmarks.Measure;
using Benchmarks.Servers;

namespace Benchmarks.Cases;

/// <summary>The same stdio server behind the gateway and behind supergateway, to clients with a session.</summary>
internal static class StdioCase
{
    private const int RoundCount = 7;
    private const int MostSessions = 8;

    private static readonly TimeSpan s_warmUp = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_measure = TimeSpan.FromSeconds(1);

    public static async Task RunAsync(CancellationToken cancellationToken)
    {
        if (EchoServer.Find() is not { } echo)
        {
            Console.WriteLine("There is no node here: nothing to measure.");
            return;
        }

        await using var gateway = await Gateway.StartAsync(("echo", echo.WithPool(minIdle: 1, max: MostSessions + 1)));
        await using var supergateway = await Supergateway.StartAsync(echo.CommandLine, cancellationToken);
        if (supergateway is null) Console.WriteLine("The packages of tests/npm are not installed (npm ci there): supergateway's rows are missing.");
        using var http = Connections.Open();
        List<Target> targets = [await Target.OpenAsync("gateway", http, gateway.UrlOf("echo"), CallerKind.Session, MostSessions, gateway.Id, cancellationToken)];
        if (supergateway is not null) targets.Add(await Target.OpenAsync("supergateway", http, supergateway.Url, CallerKind.Session, MostSessions, null, cancellationToken));
        await PrintAsync(targets, cancellationToken);
        Console.WriteLine("Goal: at least 3 × supergateway.");
    }

    private static async Task PrintAsync(List<Target> targets, CancellationToken cancellationToken)
    {
        foreach (var target in targets) await target.MeasureAsync(MostSessions, s_warmUp, cancellationToken);
        var table = new Table("stdio server, one process a session", "", "calls/s", "to supergateway", "p50 ms", "p99 ms");
        foreach (var sessions in (int[])[1, MostSessions])
        {
            var results = await Rounds.InterleaveAsync(RoundCount, [.. targets.Select(target => (Func<Task<Sample>>)(() => target.MeasureAsync(sessions, s_measure, cancellationToken)))]);
            for (var i = 0; i < targets.Count; i++)
            {
                table.Add(
                    sessions == 1 ? "1 session" : $"{sessions} sessions",
                    targets[i].Name,
                    Numbers.Whole(Rounds.Median(results[i], sample => sample.PerSecond)),
                    Numbers.Ratio(targets.Count < 2 ? double.NaN : Rounds.Ratio(results[i], results[^1], sample => sample.PerSecond)),
                    Numbers.Ms(Rounds.Median(results[i], sample => sample.P50)),
                    Numbers.Ms(Rounds.Median(results[i], sample => sample.P99)));
            }
        }

        table.Print();
    }
}
