using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Local;

internal static partial class LocalLog
{
    [LoggerMessage(LogLevel.Information, "{Line}")]
    internal static partial void Line(this ILogger logger, string line);

    [LoggerMessage(LogLevel.Information, "{Resource} still waits for {Dependency}, which is {State}{Problem}")]
    internal static partial void StillWaiting(this ILogger logger, string resource, string dependency, string state, string problem);

    [LoggerMessage(LogLevel.Warning, "{Resource} runs but has not been healthy yet: {Problem}")]
    internal static partial void NotHealthyYet(this ILogger logger, string resource, string problem);

    [LoggerMessage(LogLevel.Warning, "{Resource} ended ({Reason}) after {Seconds:0.0} s; restart {Restart} in {Delay:0.#} s")]
    internal static partial void Ended(this ILogger logger, string resource, string reason, double seconds, int restart, double delay);

    [LoggerMessage(LogLevel.Error, "{Resource} failed to start {Times} times in a row.{LastLines}")]
    internal static partial void FailedToStart(this ILogger logger, string resource, int times, string lastLines);

    [LoggerMessage(LogLevel.Warning, "{Resource} did not end after SIGTERM and was killed")]
    internal static partial void Killed(this ILogger logger, string resource);

    [LoggerMessage(LogLevel.Information, "{Resource} {State}")]
    internal static partial void Changed(this ILogger logger, string resource, string state);

    [LoggerMessage(LogLevel.Information, "Stopping; press Ctrl+C again to kill what is left")]
    internal static partial void Stopping(this ILogger logger);

    [LoggerMessage(LogLevel.Information, "All resources have stopped")]
    internal static partial void Stopped(this ILogger logger);
}
