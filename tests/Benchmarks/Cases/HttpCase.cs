using System.Text.Json.Nodes;
using Benchmarks.Load;
using Benchmarks.Measure;
using Benchmarks.Servers;

namespace Benchmarks.Cases;

/// <summary>The same call to the same upstream: directly, through nginx, and through the gateway.</summary>
internal static class HttpCase
{
    private const int RoundCount = 7;
    private const int MostConnections = 64;

    private static readonly int[] s_connections = [1, 16, MostConnections];
    private static readonly TimeSpan s_warmUp = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_measure = TimeSpan.FromSeconds(1);

    public static async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var upstream = await FastUpstream.StartAsync();
        await using var nginx = await Nginx.StartAsync(upstream.Address, cancellationToken);
        if (nginx is null) Console.WriteLine("There is no nginx here (Debian: nginx-light): its columns stay empty.");
        await using var gateway = await Gateway.StartAsync(
            ("modern", Server(upstream, "/modern")),
            ("legacy", Server(upstream, "/legacy")),
            ("bridged", Server(upstream, "/legacy")));
        using var http = Connections.Open();

        await CompareAsync("modern client, modern upstream", CallerKind.Modern, CallerKind.Modern, "/modern", "modern");
        await CompareAsync("session client, session upstream", CallerKind.Session, CallerKind.Session, "/legacy", "legacy");
        // Nothing but a gateway can do this: the upstream's session is leased for each call.
        await CompareAsync("modern client, session upstream", CallerKind.Session, CallerKind.Modern, "/legacy", "bridged");
        Console.WriteLine("Goals: at least 0.5 × nginx at 16 connections; at most 0.1 ms added at one.");

        async Task CompareAsync(string title, CallerKind plain, CallerKind toGateway, string path, string name)
        {
            List<Target> targets =
            [
                await Target.OpenAsync("direct", http, new Uri(upstream.Address, path), plain, MostConnections, null, cancellationToken),
                await Target.OpenAsync("gateway", http, gateway.UrlOf(name), toGateway, MostConnections, gateway.Id, cancellationToken),
            ];
            if (nginx is not null) targets.Add(await Target.OpenAsync("nginx", http, new Uri(nginx.Address, path), plain, MostConnections, nginx.Id, cancellationToken));
            await PrintAsync(title, targets, cancellationToken);
        }
    }

    private static JsonObject Server(FastUpstream upstream, string path) => new()
    {
        ["url"] = new Uri(upstream.Address, path).ToString(),
        ["type"] = "http",
        ["pool"] = new JsonObject { ["minIdle"] = 1, ["max"] = 2 * MostConnections },
    };

    private static async Task PrintAsync(string title, List<Target> targets, CancellationToken cancellationToken)
    {
        foreach (var target in targets) await target.MeasureAsync(16, s_warmUp, cancellationToken);
        var table = new Table(title, "", "calls/s", "to nginx", "p50 ms", "added p50", "p99 ms", "CPU µs/call");
        foreach (var connections in s_connections)
        {
            var results = await Rounds.InterleaveAsync(RoundCount, [.. targets.Select(target => (Func<Task<Sample>>)(() => target.MeasureAsync(connections, s_measure, cancellationToken)))]);
            var nginx = targets.FindIndex(target => target.Name == "nginx");
            for (var i = 0; i < targets.Count; i++)
            {
                table.Add(
                    connections == 1 ? "1 connection" : $"{connections} connections",
                    targets[i].Name,
                    Numbers.Whole(Rounds.Median(results[i], sample => sample.PerSecond)),
                    Numbers.Ratio(nginx < 0 ? double.NaN : Rounds.Ratio(results[i], results[nginx], sample => sample.PerSecond)),
                    Numbers.Ms(Rounds.Median(results[i], sample => sample.P50)),
                    Numbers.Signed(Rounds.Difference(results[i], results[0], sample => sample.P50)),
                    Numbers.Ms(Rounds.Median(results[i], sample => sample.P99)),
                    Numbers.Whole(Rounds.Median(results[i], sample => sample.CpuMicroseconds)));
            }
        }

        table.Print();
    }
}
