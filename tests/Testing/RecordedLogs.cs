using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Testing;

/// <summary>Keeps what is logged, so that a test can wait for a line or assert that there was no error.</summary>
public sealed class RecordedLogs : ILoggerProvider
{
    private readonly ConcurrentQueue<Entry> _entries = new();

    /// <summary>A logged line.</summary>
    public sealed record Entry(LogLevel Level, string Category, string Message, Exception? Exception);

    /// <summary>What was logged so far.</summary>
    public IReadOnlyList<Entry> Entries => [.. _entries];

    /// <summary>Waits until a line that contains a text is logged.</summary>
    public Task<IReadOnlyList<Entry>> WaitForAsync(string text) =>
        Eventually.SeesAsync(
            () => Entries,
            entries => entries.Any(entry => entry.Message.Contains(text, StringComparison.Ordinal)),
            condition: $"a logged line with \"{text}\"");

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Logger(categoryName, _entries);

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private sealed class Logger(string category, ConcurrentQueue<Entry> entries) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            entries.Enqueue(new Entry(logLevel, category, formatter(state, exception), exception));
    }
}
