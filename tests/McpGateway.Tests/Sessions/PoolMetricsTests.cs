using System.Diagnostics.Metrics;
using McpGateway.Sessions;
using Microsoft.Extensions.DependencyInjection;

namespace McpGateway.Tests.Sessions;

public sealed class PoolMetricsTests
{
    [Fact]
    public void Gauges_AreReadOncePerHost_AndGoWithIt()
    {
        var hosts = Enumerable.Range(0, 2).Select(_ => new ServiceCollection().AddMetrics().BuildServiceProvider()).ToArray();
        var reads = new int[hosts.Length];
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, listening) =>
        {
            if (instrument.Meter.Name == PoolMetrics.MeterName && instrument.Name == "mcp.gateway.pool.session.max" && hosts.Any(host => ReferenceEquals(instrument.Meter.Scope, host.GetRequiredService<IMeterFactory>())))
                listening.EnableMeasurementEvents(instrument);
        };
        listener.Start();
        for (var i = 0; i < hosts.Length; i++)
        {
            var host = i;
            new PoolMetrics(hosts[i].GetRequiredService<IMeterFactory>()).Observe(() =>
            {
                reads[host]++;
                return [];
            });
        }

        listener.RecordObservableInstruments();
        hosts[0].Dispose();
        listener.RecordObservableInstruments();

        reads.ShouldBe([1, 2]);
        hosts[1].Dispose();
    }

    [Fact]
    public void Lease_IsNotMeasured_WhileNobodyListens()
    {
        var meter = Meters.Pool(new ManualTimeProvider());

        meter.MeasuresUse.ShouldBeFalse();
        meter.MeasuresLeases.ShouldBeFalse();
    }
}
