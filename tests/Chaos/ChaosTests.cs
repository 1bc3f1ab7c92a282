using Chaos.Callers;
using Chaos.Fleet;
using Chaos.Gateway;
using FaultyUpstream;

namespace Chaos;

public sealed class ChaosTests(ITestOutputHelper output)
{
    /// <summary>A run is cut off here, and fails: something hangs.</summary>
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(9);

    [Fact]
    public async Task Callers_SeeNoSessionError_AndNothingRunsTwice_WhileUpstreamsMisbehave()
    {
        var settings = ChaosSettings.Read();
        using var directory = new TemporaryDirectory();
        var fleet = await FleetAsync(directory);
        await using var gateway = await ChaosGateway.StartAsync(directory, fleet);
        await gateway.ReadyAsync(fleet);
        var callers = Enumerable.Range(0, ChaosSettings.Callers).Select(number => new Caller(number, settings.Seed, gateway, fleet)).ToList();
        var invariants = await RunAsync(settings, gateway, fleet, callers);

        invariants.Check();
        invariants.Report("connections to the gateway that broke", invariants.Records.Where(record => record.Outcome == Outcome.GatewayLost));
        output.WriteLine(Story.Of(settings, fleet, callers, invariants));
        if (invariants.Violations.Count > 0) output.WriteLine($"the gateway's log: {gateway.SaveLog($"chaos-{settings.Seed}")}");
        invariants.Violations.ShouldBeEmpty(Story.Of(settings, fleet, callers, invariants));
    }

    private static async Task<Invariants> RunAsync(ChaosSettings settings, ChaosGateway gateway, IReadOnlyList<FleetMember> fleet, List<Caller> callers)
    {
        using var limit = new CancellationTokenSource(s_limit, TimeProvider.System);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(limit.Token);
        var watch = new SerialWatch([.. fleet.OfType<HttpMember>().Where(member => member.Mode is "exclusive" or "single-use")]);
        Task[] around =
        [
            new Mischief([.. fleet.Where((_, index) => index % 2 == 0)], settings.Seed).RunAsync(stop.Token),
            new Mischief([.. fleet.Where((_, index) => index % 2 == 1)], settings.Seed + 1).RunAsync(stop.Token),
            watch.RunAsync(stop.Token),
        ];
        var each = settings.Calls / callers.Count;
        await Task.WhenAll(callers.Select(caller => Task.Run(() => caller.RunAsync(each / 2, limit.Token))));
        var half = gateway.Footprint();
        await Task.WhenAll(callers.Select(caller => Task.Run(() => caller.RunAsync(each, limit.Token))));
        await stop.CancelAsync();
        await Task.WhenAll(around);
        foreach (var member in fleet)
        {
            await member.BehaveAsync();
            await member.RecoverAsync();
        }

        var invariants = new Invariants(callers, fleet);
        invariants.Report("sessions with two calls", watch.Seen);
        invariants.Records.Count.ShouldBe(callers.Count * each, $"a caller did not get through within {s_limit.TotalMinutes} min; {settings}");
        watch.Looks.ShouldBeGreaterThan(0);
        await CheckEndAsync(settings, gateway, fleet, invariants, half);
        return invariants;
    }

    private static async Task CheckEndAsync(ChaosSettings settings, ChaosGateway gateway, IReadOnlyList<FleetMember> fleet, Invariants invariants, (int Handles, long Mebibytes) half)
    {
        foreach (var member in fleet)
            await Eventually.SeesAsync(() => gateway.ReportAsync(member.Name), report => report["pool"]!["leased"]!.GetValue<int>() == 0 && report["pool"]!["waiting"]!.GetValue<int>() == 0);
        await gateway.ReadyAsync(fleet);
        var end = gateway.Footprint();
        // Bounded, not constant: heaps grow in steps, and a pool keeps what it may keep.
        if (end.Handles > (half.Handles * 1.5) + 100) invariants.Report("handles more than at half time", [$"{half.Handles} → {end.Handles}"]);
        if (end.Mebibytes > (half.Mebibytes * 1.5) + 64) invariants.Report("MiB more than at half time", [$"{half.Mebibytes} → {end.Mebibytes}"]);

        (await gateway.StopAsync()).ShouldBe(0, settings.ToString());
        foreach (var member in fleet.OfType<StdioMember>())
            await Eventually.SeesAsync(() => string.Join(' ', member.Living), living => living.Length == 0);
    }

    private static async Task<IReadOnlyList<FleetMember>> FleetAsync(TemporaryDirectory directory)
    {
        const string Pool = ", \"max\": 128, \"callTimeout\": \"5s\"";
        // A process takes seconds to start on a busy machine.
        const string Processes = ", \"max\": 2, \"acquireTimeout\": \"60s\", \"callTimeout\": \"5s\"";
        return
        [
            await HttpMember.StartAsync("auto-http", "auto", pool: Pool),
            await HttpMember.StartAsync("auto-sse", "auto", UpstreamTransport.Sse, pool: Pool),
            await HttpMember.StartAsync("pinned-http", "pinned", pool: Pool),
            await HttpMember.StartAsync("pinned-sse", "pinned", UpstreamTransport.Sse, pool: Pool),
            await HttpMember.StartAsync("exclusive-http", "exclusive", pool: Pool),
            await HttpMember.StartAsync("exclusive-sse", "exclusive", UpstreamTransport.Sse, pool: Pool),
            await HttpMember.StartAsync("single-http", "single-use", pool: Pool),
            await HttpMember.StartAsync("modern-http", "auto", era: UpstreamEra.Modern, pool: Pool),
            new StdioMember("shared-stdio", "shared", directory, Processes) { Weight = 4 },
            new StdioMember("exclusive-stdio", "exclusive", directory, Processes) { Weight = 1 },
        ];
    }
}
