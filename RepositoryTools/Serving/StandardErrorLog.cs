using Microsoft.Extensions.Logging;

namespace RepositoryTools.Serving;

/// <summary>Writes log lines to stderr: stdout carries nothing but MCP.</summary>
/// <param name="minimum">The least severe level that is written.</param>
internal sealed class StandardErrorLog(LogLevel minimum) : ILoggerFactory
{
    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new CategoryLog(categoryName, minimum);

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider) =>
        throw new NotSupportedException("Everything is written to stderr.");

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private sealed class CategoryLog(string category, LogLevel minimum) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= minimum && logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                Console.Error.WriteLine($"{Short(logLevel)}: {category}: {formatter(state, exception)}{(exception is null ? "" : $" ({exception.GetType().Name}: {exception.Message})")}");
            }
        }

        private static string Short(LogLevel level) => level switch
        {
            LogLevel.Information => "info",
            LogLevel.Warning => "warn",
            LogLevel.Error or LogLevel.Critical => "fail",
            _ => "debug",
        };
    }
}
