using McpGateway.Protocol;
using McpGateway.Upstreams;

namespace McpGateway.Tests.Upstreams;

public sealed class EraMemoryTests
{
    private static readonly DateTimeOffset s_now = new(2026, 8, 1, 12, 0, 0, TimeSpan.FromHours(2));

    [Theory]
    [InlineData(McpEra.Legacy, 23.99, true)]
    [InlineData(McpEra.Legacy, 24, false)]
    [InlineData(McpEra.Modern, 10_000, true)]
    public void EraMemory_LetsALegacyVerdictExpire_AfterADay(object era, double hours, bool holds) =>
        new EraMemory((McpEra)era, UpstreamTransport.Http, s_now).HoldsAt(s_now + TimeSpan.FromHours(hours)).ShouldBe(holds);
}
