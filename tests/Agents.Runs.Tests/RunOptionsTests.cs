using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Agents.Runs.Tests;

public sealed class RunOptionsTests
{
    [Fact]
    public void Settings_AreTakenFromTheSection_WhenTheyFit()
    {
        using var services = Services(new() { ["Runs:Lease"] = "00:00:04", ["Runs:Heartbeat"] = "00:00:01", ["Runs:Retention"] = "7.00:00:00", ["Runs:Tenant"] = "team-a" });

        services.GetRequiredService<IOptions<RunQueueOptions>>().Value.Lease.ShouldBe(TimeSpan.FromSeconds(4));
        var storage = services.GetRequiredService<IOptions<RunStorageOptions>>().Value;
        (storage.Retention, storage.Tenant, storage.SubmissionKeys).ShouldBe((TimeSpan.FromDays(7), "team-a", TimeSpan.FromHours(24)));
    }

    [Fact]
    public void Settings_NameEveryError_WhenTheyDoNotFit()
    {
        using var services = Services(new()
        {
            ["Runs:Lease"] = "00:00:04",
            ["Runs:Heartbeat"] = "00:00:03",
            ["Runs:MaxAttempts"] = "0",
            ["Runs:Retention"] = "00:30:00",
            ["Runs:Tenant"] = "Team A",
        });

        var queue = Should.Throw<OptionsValidationException>(() => services.GetRequiredService<IOptions<RunQueueOptions>>().Value).Failures.ToList();
        queue.Count.ShouldBe(2);
        queue[0].ShouldBe("Runs:Heartbeat is 00:00:03: use 00:00:00.1000000 to 00:00:02.");
        queue[1].ShouldBe("Runs:MaxAttempts is 0: use 1 to 100.");
        var storage = Should.Throw<OptionsValidationException>(() => services.GetRequiredService<IOptions<RunStorageOptions>>().Value).Failures.ToList();
        storage.Count.ShouldBe(2);
        storage[0].ShouldStartWith("Runs:SubmissionKeys is 1.00:00:00");
        storage[1].ShouldContain("'Team A'");
    }

    private static ServiceProvider Services(Dictionary<string, string?> settings) => new ServiceCollection().AddLogging()
        .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(settings).Build())
        .AddRuns(_ => "unused").BuildServiceProvider();
}
