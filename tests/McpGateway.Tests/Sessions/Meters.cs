using System.Diagnostics.Metrics;
using McpGateway.Sessions;
using Microsoft.Extensions.DependencyInjection;

namespace McpGateway.Tests.Sessions;

/// <summary>Instruments of their own for what is tested without a host.</summary>
internal static class Meters
{
    public static IMeterFactory Factory() => new ServiceCollection().AddMetrics().BuildServiceProvider().GetRequiredService<IMeterFactory>();

    public static PoolMeter Pool(TimeProvider time) => new(new PoolMetrics(Factory()), "up", time);
}
