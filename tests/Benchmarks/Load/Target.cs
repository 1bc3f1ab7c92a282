using Benchmarks.Measure;

namespace Benchmarks.Load;

/// <summary>One way to the tool, and the callers that use it: always the same ones, each with a connection of its own.</summary>
/// <param name="Name">What the table calls it.</param>
/// <param name="Callers">Opened callers; a measurement uses the first so many.</param>
/// <param name="ProcessId">The process between the load and the upstream, whose processor time is counted; null when there is none.</param>
internal sealed record Target(string Name, IReadOnlyList<McpCaller> Callers, int? ProcessId = null)
{
    public static async Task<Target> OpenAsync(string name, HttpMessageInvoker http, Uri url, CallerKind kind, int callers, int? processId, CancellationToken cancellationToken)
    {
        var opened = Enumerable.Range(0, callers).Select(_ => new McpCaller(http, url, kind)).ToArray();
        foreach (var caller in opened) await caller.OpenAsync(cancellationToken);
        return new Target(name, opened, processId);
    }

    /// <summary>Keeps the first so many callers calling, one call each at a time, for a while.</summary>
    public async Task<Sample> MeasureAsync(int connections, TimeSpan duration, CancellationToken cancellationToken)
    {
        var time = TimeProvider.System;
        var cpuBefore = ProcessId is { } before ? CpuTime.Of(before) : TimeSpan.Zero;
        var start = time.GetTimestamp();
        var latencies = await Task.WhenAll(Callers.Take(connections).Select(caller => Task.Run(() => CallAsync(caller, start, duration, time, cancellationToken), cancellationToken)));
        var elapsed = time.GetElapsedTime(start);
        var sorted = latencies.SelectMany(each => each).Order().ToArray();
        var cpu = ProcessId is { } after ? (CpuTime.Of(after) - cpuBefore).TotalMicroseconds / sorted.Length : double.NaN;
        return new Sample(sorted.Length / elapsed.TotalSeconds, Numbers.Quantile(sorted, 0.5), Numbers.Quantile(sorted, 0.99), cpu);
    }

    private static async Task<List<double>> CallAsync(McpCaller caller, long start, TimeSpan duration, TimeProvider time, CancellationToken cancellationToken)
    {
        var latencies = new List<double>(1 << 14);
        while (time.GetElapsedTime(start) < duration)
        {
            var sent = time.GetTimestamp();
            await caller.CallAsync(cancellationToken);
            latencies.Add(time.GetElapsedTime(sent).TotalMilliseconds);
        }

        return latencies;
    }
}

/// <summary>One measurement.</summary>
/// <param name="PerSecond">Calls a second.</param>
/// <param name="P50">Median latency, milliseconds.</param>
/// <param name="P99">Milliseconds.</param>
/// <param name="CpuMicroseconds">Processor time of the process between, per call.</param>
internal sealed record Sample(double PerSecond, double P50, double P99, double CpuMicroseconds);
