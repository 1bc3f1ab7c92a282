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
    private const int Practice = 120;
    private const int Callers = 50;
    private const int WarmCalls = 10;
    private const int MinIdle = 3;

    /// <summary>As long as a gateway's upstream sleeps between two callers.</summary>
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(20);

    public static async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var upstream = await FastUpstream.StartAsync();
        var url = new Uri(upstream.Address, "/legacy");
        var pool = new JsonObject { ["minIdle"] = MinIdle, ["max"] = 32 };
        List<(string Name, JsonObject Server)> servers = [("http", new JsonObject { ["url"] = url.ToString(), ["type"] = "http", ["pool"] = pool })];
        if (EchoServer.Find() is { } echo) servers.Add(("stdio", echo.WithPool(MinIdle, max: 32)));
        else Console.WriteLine("There is no node here: no row for stdio.");
        await using var gateway = await Gateway.StartAsync([.. servers]);
        using var http = Connections.Open();

        var table = new Table("new client session, medians", "first call ms", "warm call ms", "first to warm", "initialize to first answer ms");
        foreach (var (name, _) in servers)
        {
            Add(table, name, await MeasureNewAsync(gateway, name, http, cancellationToken));
        }

        Add(table, "http without a gateway, idle before", await MeasureIdleAsync(url, http, cancellationToken));
        table.Print();
        Console.WriteLine("Goal: at most 2 × for both. The last row is the bound: one open session of the upstream itself, which has slept as long.");
    }

    private static async Task<List<Visit>> MeasureNewAsync(Gateway gateway, string upstream, HttpMessageInvoker http, CancellationToken cancellationToken)
    {
        // Code is compiled anew after some tens of calls: by then it is, and what is new is the caller.
        await VisitAsync(3000);
        for (var i = 0; i < Practice; i++) await VisitAsync(WarmCalls);
        var visits = new List<Visit>();
        for (var i = 0; i < Callers; i++) visits.Add(await VisitAsync(WarmCalls));
        return visits;

        async Task<Visit> VisitAsync(int calls)
        {
            await gateway.WaitIdleAsync(upstream, MinIdle, cancellationToken);
            var caller = new McpCaller(http, gateway.UrlOf(upstream), CallerKind.Session);
            var initialize = await TimeAsync(() => caller.OpenAsync(cancellationToken));
            var visit = await CallAsync(caller, calls, cancellationToken);
            await caller.CloseAsync(cancellationToken);
            return visit with { FromInitialize = initialize + visit.First };
        }
    }

    /// <summary>What no gateway can do away with: processes that have slept take longer to answer.</summary>
    private static async Task<List<Visit>> MeasureIdleAsync(Uri url, HttpMessageInvoker http, CancellationToken cancellationToken)
    {
        var caller = new McpCaller(http, url, CallerKind.Session);
        await caller.OpenAsync(cancellationToken);
        await CallAsync(caller, 3000, cancellationToken);
        var visits = new List<Visit>();
        for (var i = 0; i < Callers; i++)
        {
            await Task.Delay(s_pause, TimeProvider.System, cancellationToken);
            visits.Add(await CallAsync(caller, WarmCalls, cancellationToken));
        }

        await caller.CloseAsync(cancellationToken);
        return visits;
    }

    private static async Task<Visit> CallAsync(McpCaller caller, int calls, CancellationToken cancellationToken)
    {
        var first = await TimeAsync(() => caller.CallAsync(cancellationToken));
        var warm = new List<double>();
        for (var i = 0; i < calls; i++) warm.Add(await TimeAsync(() => caller.CallAsync(cancellationToken)));
        return new Visit(first, Numbers.Median(warm), null);
    }

    private static async Task<double> TimeAsync(Func<Task> work)
    {
        var start = TimeProvider.System.GetTimestamp();
        await work();
        return TimeProvider.System.GetElapsedTime(start).TotalMilliseconds;
    }

    private static void Add(Table table, string name, List<Visit> visits) => table.Add(
        name,
        Numbers.Ms(Rounds.Median(visits, visit => visit.First)),
        Numbers.Ms(Rounds.Median(visits, visit => visit.Warm)),
        Numbers.Ratio(Rounds.Median(visits, visit => visit.First / visit.Warm)),
        visits[0].FromInitialize is null ? "" : Numbers.Ms(Rounds.Median(visits, visit => visit.FromInitialize!.Value)));

    private sealed record Visit(double First, double Warm, double? FromInitialize);
}
