using Chaos.Callers;
using Chaos.Fleet;
using Chaos.Gateway;
using FaultyUpstream.Faults;

namespace Chaos;

public sealed class KilledGatewayTests(ITestOutputHelper output)
{
    private const int CallersAtOnce = 20;

    /// <summary>Made before each kill and after the last.</summary>
    private const int Calls = 400;

    private const int Kills = 2;
    private const int Unused = 3;

    /// <summary>As many as a gateway makes at one upstream.</summary>
    private const int HandshakesAtOnce = 3;

    private static readonly string[] s_handshake = ["initialize"];

    /// <summary>A dead gateway counts as dead soon, and one that stops leaves nothing for another.</summary>
    private static readonly string[] s_settings = ["--Gateway:OwnerTimeout", "00:00:02", "--Gateway:ParkTimeout", "00:00:00"];

    [Fact]
    public async Task Callers_GoOn_SessionsAreResumed_AndNoneIsLeftBehind_WhenTheGatewayIsKilledAndStartedAgain()
    {
        var settings = ChaosSettings.Read();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5), TimeProvider.System);
        using var directory = new TemporaryDirectory();
        var processes = new StdioMember("shared-stdio", "shared", directory, ", \"acquireTimeout\": \"60s\"");
        HttpMember[] served = [await HttpMember.StartAsync("auto-http", "auto"), await HttpMember.StartAsync("exclusive-http", "exclusive"), await HttpMember.StartAsync("single-http", "single-use")];
        // Nobody calls it: what is unused may be gone on with after a crash.
        var calm = await HttpMember.StartAsync("calm-http", "exclusive", pool: $", \"minIdle\": {Unused}");
        await using var gateway = await ChaosGateway.StartAsync(directory, [.. served, processes, calm], s_settings);
        await gateway.ReadyAsync([.. served, processes]);
        await gateway.HoldsAsync(calm, Unused);
        FleetMember[] fleet = [.. served, processes];
        var callers = Enumerable.Range(0, CallersAtOnce).Select(number => new Caller(number, settings.Seed, gateway, fleet)).ToList();

        // They go on for as long as gateways are killed, and then for as long again.
        var running = Task.WhenAll(callers.Select(caller => Task.Run(() => caller.RunAsync(int.MaxValue, limit.Token))));
        var resumed = 0;
        for (var kill = 1; kill <= Kills; kill++)
        {
            await CallAsync(callers, running);
            resumed += await KillAndRelaunchAsync(gateway, processes, calm);
        }

        await CallAsync(callers, running);
        foreach (var caller in callers) caller.EndAfter(0);
        await running;
        limit.IsCancellationRequested.ShouldBeFalse($"a caller did not get through; {settings}");
        var invariants = new Invariants(callers, fleet);
        invariants.Check();
        output.WriteLine($"sessions resumed {resumed}\n{Story.Of(settings, fleet, callers, invariants)}");
        invariants.Violations.ShouldBeEmpty(Story.Of(settings, fleet, callers, invariants));
        invariants.Count(Outcome.GatewayLost).ShouldBeGreaterThan(0, $"no call was under way when the gateway was killed; {settings}");
        callers.Sum(caller => caller.Reinitialized).ShouldBeGreaterThan(0, settings.ToString());
        await ShouldLeaveNothingAsync(gateway, processes, [.. served, calm]);
    }

    /// <summary>Waits until so many more calls have been made, by what the callers have done and not by the clock.</summary>
    private static async Task CallAsync(List<Caller> callers, Task running)
    {
        var before = callers.Sum(caller => caller.Done);
        await Eventually.HoldsAsync(() => callers.Sum(caller => caller.Done) >= before + Calls || running.IsCompleted, TimeSpan.FromMinutes(2));
        if (running.IsCompleted) await running;
    }

    /// <summary>Kills the gateway and starts it again while the calm upstream shakes no hands: it can only be ready with the sessions it had.</summary>
    /// <returns>How many were resumed.</returns>
    private static async Task<int> KillAndRelaunchAsync(ChaosGateway gateway, StdioMember processes, HttpMember calm)
    {
        var (before, handshakes, children) = (calm.OpenSessions, calm.Handshakes, processes.Living);
        children.ShouldNotBeEmpty();
        var refusal = calm.Control.Set(new Fault { Kind = FaultKind.RateLimited, Methods = s_handshake, RetryAfterS = 1 });
        await gateway.KillAsync();
        await Eventually.SeesAsync(() => string.Join(' ', processes.Living.Intersect(children)), orphans => orphans.Length == 0);
        await gateway.RelaunchAsync();

        var report = await gateway.HoldsAsync(calm, Unused);
        calm.Control.Remove(refusal);
        calm.OpenSessions.ShouldBe(before, ignoreOrder: true);
        calm.Handshakes.ShouldBe(handshakes);
        var resumed = report["timeline"]!.AsArray().Count(happened => happened!["what"]!.GetValue<string>() == "session resumed");
        resumed.ShouldBe(Unused);
        return resumed;
    }

    /// <summary>
    /// The dead gateways' sessions are ended by the living one, its own at its stop. What no ledger can know is a session whose gateway died
    /// before it had the handshake's answer, and the probe, which comes next, was never sent: at most three handshakes are under way at once.
    /// </summary>
    private static async Task ShouldLeaveNothingAsync(ChaosGateway gateway, StdioMember processes, HttpMember[] upstreams)
    {
        foreach (var upstream in upstreams)
        {
            await Eventually.SeesAsync(
                async () => (Open: upstream.OpenSessions.Count, Held: (await gateway.ReportAsync(upstream.Name))["pool"]!["total"]!.GetValue<int>()),
                sessions => sessions.Open == sessions.Held,
                TimeSpan.FromSeconds(60));
        }

        (await gateway.StopAsync()).ShouldBe(0);
        await Eventually.SeesAsync(() => string.Join(' ', processes.Living), living => living.Length == 0);
        foreach (var upstream in upstreams) await Eventually.SeesAsync(() => upstream.OpenSessions.Count, open => open == 0);
        upstreams.ShouldAllBe(upstream => upstream.Unasked <= Kills * HandshakesAtOnce);
    }
}
