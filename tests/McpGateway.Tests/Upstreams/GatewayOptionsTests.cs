using McpGateway.Upstreams;

namespace McpGateway.Tests.Upstreams;

public sealed class GatewayOptionsTests
{
    [Fact]
    public void Read_TakesEveryValue()
    {
        var set = new Dictionary<string, object>
        {
            ["ConfigFile"] = "other.json", ["MessageLimit"] = 2048, ["DrainTimeout"] = TimeSpan.FromSeconds(7), ["SessionIdleTimeout"] = TimeSpan.FromHours(2), ["MaxSessions"] = 9,
            ["ResumeEvents"] = 11, ["ResumeBytes"] = 4096, ["ResumeTimeout"] = TimeSpan.FromSeconds(13), ["CatalogueTtl"] = TimeSpan.FromSeconds(17), ["PageSize"] = 19,
            ["ParkTimeout"] = TimeSpan.FromSeconds(23), ["OwnerTimeout"] = TimeSpan.FromSeconds(29),
        };

        var options = Read([.. set.Select(pair => ($"Gateway:{pair.Key}", (string?)$"{pair.Value}"))]);

        options.Check().ShouldBeEmpty();
        // Also an option that is added later and not read.
        typeof(GatewayOptions).GetProperties().Where(property => property.SetMethod is { IsPublic: true }).ToDictionary(property => property.Name, property => property.GetValue(options)!)
            .OrderBy(pair => pair.Key, StringComparer.Ordinal).ShouldBe(set.OrderBy(pair => pair.Key, StringComparer.Ordinal));
    }

    [Fact]
    public void Check_NamesEveryValueOfTheWrongType_BesideWhatElseIsWrong()
    {
        var errors = Read(("Gateway:DrainTimeout", "20s"), ("Gateway:MessageLimit", "16MiB"), ("Gateway:PageSize", ""), ("Gateway:MaxSessions", "0"), ("Gateway:Keys", "hunter2")).Check().ToArray();

        errors.Length.ShouldBe(5);
        errors.ShouldContain("Gateway:DrainTimeout is '20s'; it must be hh:mm:ss, for example 00:00:20.");
        errors.ShouldContain("Gateway:MessageLimit is '16MiB'; it must be bytes, a whole number.");
        errors.ShouldContain("Gateway:PageSize is ''; it must be a whole number.");
        errors.ShouldContain(error => error.StartsWith("Gateway:MaxSessions is 0", StringComparison.Ordinal));
        errors.ShouldContain(error => error.StartsWith("Gateway:Keys: entry 1", StringComparison.Ordinal));
    }

    private static GatewayOptions Read(params (string, string?)[] configuration) => GatewayOptions.Read(TestEnvironment.Configuration(configuration));
}
