using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Agents.Worker.Loop;

/// <summary>The worker's own spans and metrics.</summary>
internal static class WorkerTelemetry
{
    public const string Name = "Agents.Worker";
    public const string Workflow = "run";

    private static readonly Meter Meter = new(Name);

    private static readonly InstrumentAdvice<double> Seconds = new()
    {
        HistogramBucketBoundaries = [.01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92],
    };

    public static ActivitySource Source { get; } = new(Name);

    public static Histogram<long> TokenUsage { get; } = Meter.CreateHistogram(
        GenAi.TokenUsageMetric, "{token}", "Tokens used by a model request.",
        advice: new InstrumentAdvice<long>
        {
            HistogramBucketBoundaries = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864],
        });

    public static Histogram<double> OperationDuration { get; } = Meter.CreateHistogram(
        GenAi.OperationDurationMetric, "s", "Duration of a model request, a tool call or an agent.", advice: Seconds);

    public static Histogram<double> TimeToFirstChunk { get; } = Meter.CreateHistogram(
        GenAi.TimeToFirstChunkMetric, "s", "Time until the first part of a model's answer.", advice: Seconds);

    /// <summary>Marks the span failed with a low-cardinality error type.</summary>
    public static void Fail(this Activity? activity, Exception error) =>
        activity?.SetTag(GenAi.ErrorType, error.GetType().Name).SetStatus(ActivityStatusCode.Error, error.Message);
}
