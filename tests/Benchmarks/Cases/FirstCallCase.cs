using System.Text.Json.Nodes;
using Benchmarks.Load;
using Benchmarks.Measure;
using Benchmarks.Servers;

namespace Benchmarks.Cases;

/// <summary>
/// What the first call of a new caller costs beside its later ones. A session is warm when the caller comes, as between callers
/// that do not all come at once (<see cref="BurstCase"/> is for those); each caller takes it for itself, and leaves at the end.
/// </summary>
internal static class FirstCallCase
{
    private const int Callers = 25;
    private const int WarmCalls = 10;
    private const int MinIdle = 3;

    public static async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var upstream = await FastUpstream.StartAsync();
        var pool = new JsonObject { ["minIdle"] = MinIdle, ["max"] = 32 };
        List<(string Name, JsonObject Server)> servers = [("http", new JsonObject { ["url"] = new Uri(upstream.Address, "/legacy").ToString(), ["type"] = "http", ["pool"] = pool })];
        if (EchoServer.Find() is { } echo) servers.Add(("stdio", echo.WithPool(MinIdle, max: 32)));
        else Console.WriteLine("There is no node here: no row for stdio.");
        await using var gateway = await Gateway.StartAsync([.. servers]);
        using var http = Connections.Open();

        var table = new Table("new client session, medians", "first call ms", "warm call ms", "first to warm", "initialize to first answer ms");
        foreach (var (name, _) in servers)
        {
            // The gateway's own code is compiled by then; what is new is the caller.
            await VisitAsync(gateway, http, name, calls: 3000, cancellationToken);
            var visits = new List<Visit>();
            for (var i = 0; i < Callers; i++) visits.Add(await VisitAsync(gateway, http, name, WarmCalls, cancellationToken));
            table.Add(
                name,
                Numbers.Ms(Rounds.Median(visits, visit => visit.First)),
                Numbers.Ms(Rounds.Median(visits, visit => visit.Warm)),
                Numbers.Ratio(Numbers.Median(visits.Select(visit => visit.First / visit.Warm))),
                Numbers.Ms(Rounds.Median(visits, visit => visit.FromInitialize)));
        }

        table.Print();
        Console.WriteLine("Goal: at most 2 × for both.");
    }

    private static async Task<Visit> VisitAsync(Gateway gateway, HttpMessageInvoker http, string upstream, int calls, CancellationToken cancellationToken)
    {
        await gateway.WaitIdleAsync(upstream, MinIdle, cancellationToken);
        var time = TimeProvider.System;
        var caller = new McpCaller(http, gateway.UrlOf(upstream), CallerKind.Session);
        var came = time.GetTimestamp();
        await caller.OpenAsync(cancellationToken);
        var first = await TimeAsync();
        var fromInitialize = time.GetElapsedTime(came).TotalMilliseconds;
        var warm = new List<double>();
        for (var i = 0; i < calls; i++) warm.Add(await TimeAsync());
        await caller.CloseAsync(cancellationToken);
        return new Visit(first, Numbers.Median(warm), fromInitialize);

        async Task<double> TimeAsync()
        {
            var start = time.GetTimestamp();
            await caller.CallAsync(cancellationToken);
            return time.GetElapsedTime(start).TotalMilliseconds;
        }
    }

    private sealed record Visit(double First, double Warm, double FromInitialize);
}
