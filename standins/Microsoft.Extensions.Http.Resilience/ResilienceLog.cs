using Microsoft.Extensions.Logging;
using Polly.Telemetry;

namespace Microsoft.Extensions.Http.Resilience;

/// <summary>Logs what a pipeline does besides passing a request on: retries, time-outs, an opened or closed breaker.</summary>
internal sealed partial class ResilienceLog(ILogger logger) : TelemetryListener
{
    public override void Write<TResult, TArgs>(in TelemetryEventArguments<TResult, TArgs> args)
    {
        var level = args.Event.Severity switch
        {
            ResilienceEventSeverity.Warning => LogLevel.Warning,
            ResilienceEventSeverity.Error or ResilienceEventSeverity.Critical => LogLevel.Error,
            ResilienceEventSeverity.Information => LogLevel.Information,
            ResilienceEventSeverity.Debug => LogLevel.Debug,
            _ => LogLevel.None,
        };
        if (level == LogLevel.None || !logger.IsEnabled(level)) return;
        var source = $"{args.Source.PipelineName}/{args.Source.PipelineInstanceName}/{args.Source.StrategyName}";
        var result = args.Outcome is { } outcome
            ? outcome.Exception?.Message ?? (outcome.Result is HttpResponseMessage response ? $"{(int)response.StatusCode}" : null)
            : null;
        LogEvent(level, args.Event.EventName, source, result);
    }

    [LoggerMessage(Message = "Resilience event occurred. EventName: '{EventName}', Source: '{Source}', Result: '{Result}'")]
    private partial void LogEvent(LogLevel level, string eventName, string source, string? result);
}
