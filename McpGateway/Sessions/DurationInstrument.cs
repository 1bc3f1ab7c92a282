using System.Diagnostics.Metrics;

namespace McpGateway.Sessions;

/// <summary>Makes the gateway's instruments of durations, in seconds, with the buckets of OpenTelemetry's conventions for MCP.</summary>
internal static class DurationInstrument
{
    private static readonly double[] s_buckets = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];

    /// <param name="meter">Its meter.</param>
    /// <param name="name">Its name.</param>
    /// <param name="description">What it measures.</param>
    /// <param name="finer">Seconds; buckets below those of the conventions, for what is usually over sooner. Ascending.</param>
    public static Histogram<double> CreateSeconds(this Meter meter, string name, string description, params double[] finer) =>
        meter.CreateHistogram(name, "s", description, advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [.. finer, .. s_buckets] });
}
