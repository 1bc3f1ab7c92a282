using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace ServiceDefaults.Telemetry;

/// <summary>
/// Starts the providers with the host, and sends what they still hold after everything else has stopped.
/// The providers belong to the service container, which disposes them.
/// </summary>
internal sealed class TelemetryExport(IServiceProvider services, IConfiguration configuration) : IHostedLifecycleService
{
    /// <summary>A collector that does not answer must not hold the stop back for longer.</summary>
    private const int FlushMilliseconds = 3_000;

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        List<OtlpSignal> signals = [OtlpSignal.Traces(configuration), OtlpSignal.Metrics(configuration), OtlpSignal.Logs(configuration)];
        var errors = signals.SelectMany(signal => signal.Errors()).Distinct().ToList();
        if (errors.Count > 0) throw new InvalidOperationException(string.Join(' ', errors));

        services.GetService<TracerProvider>();
        services.GetService<MeterProvider>();
        services.GetService<LoggerProvider>();
        return Task.CompletedTask;
    }

    // Off the caller's thread: flushing blocks.
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.WhenAll(
        Task.Run(() => services.GetService<TracerProvider>()?.ForceFlush(FlushMilliseconds), cancellationToken),
        Task.Run(() => services.GetService<MeterProvider>()?.ForceFlush(FlushMilliseconds), cancellationToken),
        Task.Run(() => services.GetService<LoggerProvider>()?.ForceFlush(FlushMilliseconds), cancellationToken));

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
