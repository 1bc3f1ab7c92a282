using McpGateway.Sessions;

namespace McpGateway.Tests.Sessions;

public sealed class PoolOptionsTests
{
    public static TheoryData<string, string> Wrong => new()
    {
        { nameof(PoolOptions.Max), "pool.max is 0; it must be 1 to 1024." },
        { nameof(PoolOptions.MinIdle), "pool.minIdle is -1; it must be 0 or more." },
        { nameof(PoolOptions.MaxUses), "pool.maxUses is 1000001; it must be 0 to 1000000." },
        { nameof(PoolOptions.MaxWaiting), "pool.maxWaiting is 70000; it must be 0 to 65536." },
        { nameof(PoolOptions.AcquireTimeout), "pool.acquireTimeout is 0.05 s; it must be 0.1 s to 300 s." },
        { nameof(PoolOptions.PinHold), "pool.pinHold is 61 s; it must be 0 s to 60 s." },
        { nameof(PoolOptions.MaxLifetime), "pool.maxLifetime is 90000 s; it must be 60 s to 86400 s." },
        { nameof(PoolOptions.IdleTimeout), "pool.idleTimeout is 0.5 s; it must be 1 s to 86400 s." },
        { nameof(PoolOptions.KeepAlive), "pool.keepAlive is 10 s; it must be" },
        { nameof(PoolOptions.BypassWindow), "pool.bypassWindow (90 s) is longer than pool.keepAlive (60 s)" },
        { nameof(PoolOptions.OpenTimeout), "pool.openTimeout is 301 s; it must be 0.1 s to 300 s." },
        { nameof(PoolOptions.HandshakesPerMinute), "pool.handshakesPerMinute is 6001; it must be 1 to 6000, or 0 for no limit." },
        { nameof(PoolOptions.InputTimeout), "pool.inputTimeout is 3601 s; it must be 1 s to 3600 s." },
        { nameof(PoolOptions.MaxParked), "pool.maxParked is 0; it must be 1 to 1024." },
        { nameof(PoolOptions.CallTimeout), "pool.callTimeout is 0.5 s; it must be 1 s to 86400 s." },
    };

    [Fact]
    public void Check_FindsNothingWrong_WithTheDefaults() => new PoolOptions().Check().ShouldBeEmpty();

    [Theory]
    [MemberData(nameof(Wrong))]
    public void Check_NamesKeyValueAndBounds(string option, string error)
    {
        var none = new PoolOptions();
        var options = option switch
        {
            nameof(PoolOptions.Max) => none with { Max = 0, MinIdle = 0 },
            nameof(PoolOptions.MinIdle) => none with { MinIdle = -1 },
            nameof(PoolOptions.MaxUses) => none with { MaxUses = 1_000_001 },
            nameof(PoolOptions.MaxWaiting) => none with { MaxWaiting = 70_000 },
            nameof(PoolOptions.AcquireTimeout) => none with { AcquireTimeout = TimeSpan.FromSeconds(0.05), PinHold = TimeSpan.Zero },
            nameof(PoolOptions.PinHold) => none with { PinHold = TimeSpan.FromSeconds(61), AcquireTimeout = TimeSpan.FromMinutes(5) },
            nameof(PoolOptions.MaxLifetime) => none with { MaxLifetime = TimeSpan.FromHours(25) },
            nameof(PoolOptions.IdleTimeout) => none with { IdleTimeout = TimeSpan.FromSeconds(0.5) },
            nameof(PoolOptions.KeepAlive) => none with { KeepAlive = TimeSpan.FromSeconds(0.5), BypassWindow = TimeSpan.Zero },
            nameof(PoolOptions.BypassWindow) => none with { BypassWindow = TimeSpan.FromSeconds(90) },
            nameof(PoolOptions.OpenTimeout) => none with { OpenTimeout = TimeSpan.FromSeconds(301) },
            nameof(PoolOptions.HandshakesPerMinute) => none with { HandshakesPerMinute = 6001 },
            nameof(PoolOptions.InputTimeout) => none with { InputTimeout = TimeSpan.FromSeconds(3601) },
            nameof(PoolOptions.MaxParked) => none with { MaxParked = 0 },
            _ => none with { CallTimeout = TimeSpan.FromSeconds(0.5) },
        };

        options.Check().ShouldHaveSingleItem().ShouldStartWith(error.Replace("is 10 s", "is 0.5 s", StringComparison.Ordinal));
    }

    [Fact]
    public void Check_ComparesOptions_WithTheirSiblings()
    {
        var options = new PoolOptions { Max = 2, MinIdle = 3, KeepAlive = TimeSpan.FromMinutes(30), MaxLifetime = TimeSpan.FromMinutes(20), BypassWindow = TimeSpan.FromMinutes(40), PinHold = TimeSpan.FromSeconds(10) };

        options.Check().Count().ShouldBe(4);
        options.Check().ShouldContain(error => error.StartsWith("pool.pinHold (10 s) is not shorter than pool.acquireTimeout (10 s)", StringComparison.Ordinal));
    }
}
