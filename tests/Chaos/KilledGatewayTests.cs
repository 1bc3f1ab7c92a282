using Chaos.Callers;
using Chaos.Fleet;
using Chaos.Gateway;

namespace Chaos;

public sealed class KilledGatewayTests(ITestOutputHelper output)
{
    private const int CallersAtOnce = 20;
    private const int CallsEach = 60;
    private const int Kills = 2;

    [Fact]
    public async Task Callers_GoOn_AndNothingRunsTwice_WhenTheGatewayIsKilledAndStartedAgain()
    {
        ChaosSettings.SkipUnlessAsked();
        var settings = ChaosSettings.Read();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3), TimeProvider.System);
        using var directory = new TemporaryDirectory();
        var processes = new StdioMember("shared-stdio", "shared", directory, "");
        FleetMember[] fleet = [await HttpMember.StartAsync("auto-http", "auto"), await HttpMember.StartAsync("exclusive-http", "exclusive"), await HttpMember.StartAsync("single-http", "single-use"), processes];
        await using var gateway = await ChaosGateway.StartAsync(directory, fleet);
        await gateway.ReadyAsync(fleet);
        var callers = Enumerable.Range(0, CallersAtOnce).Select(number => new Caller(number, settings.Seed, gateway, fleet)).ToList();

        var running = Task.WhenAll(callers.Select(caller => Task.Run(() => caller.RunAsync(CallsEach, limit.Token))));
        for (var kill = 1; kill <= Kills; kill++)
        {
            // A part of the way, by what the callers have done and not by the clock.
            var share = CallersAtOnce * CallsEach * kill / (Kills + 1);
            await Eventually.HoldsAsync(() => callers.Sum(caller => caller.Done) >= share || running.IsCompleted, TimeSpan.FromMinutes(1));
            running.IsCompleted.ShouldBeFalse($"the gateway was to be killed under load; {settings}");
            var children = processes.Living;
            children.ShouldNotBeEmpty();
            await gateway.KillAsync();
            await Eventually.SeesAsync(() => string.Join(' ', processes.Living.Intersect(children)), orphans => orphans.Length == 0);
            await gateway.RelaunchAsync();
        }

        await running;
        var invariants = new Invariants(callers, fleet);
        invariants.Check();
        output.WriteLine(Story.Of(settings, fleet, callers, invariants));
        invariants.Records.Count.ShouldBe(CallersAtOnce * CallsEach, $"a caller did not get through; {settings}");
        invariants.Violations.ShouldBeEmpty(Story.Of(settings, fleet, callers, invariants));
        invariants.Count(Outcome.GatewayLost).ShouldBeGreaterThan(0, $"no call was under way when the gateway was killed; {settings}");
        callers.Sum(caller => caller.Reinitialized).ShouldBeGreaterThan(0, settings.ToString());
        (await gateway.StopAsync()).ShouldBe(0);
        await Eventually.SeesAsync(() => string.Join(' ', processes.Living), living => living.Length == 0);
    }
}
