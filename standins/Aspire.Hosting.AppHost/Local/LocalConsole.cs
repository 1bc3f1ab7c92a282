using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Spectre.Console;

namespace Aspire.Hosting.Local;

/// <summary>The one writer to standard output: a line or a table at a time, in colour on a terminal.</summary>
internal sealed class LocalConsole
{
    private static readonly string[] Colours = ["\e[36m", "\e[35m", "\e[33m", "\e[32m", "\e[34m", "\e[96m", "\e[95m", "\e[93m"];
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<string, string> _colourOf = new();
    private readonly bool _colour = !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("NO_COLOR") is not { Length: > 0 };

    internal void WriteLine(string source, string text)
    {
        var prefix = $"[{source}]";
        if (_colour)
            prefix = $"{_colourOf.GetOrAdd(source, _ => Colours[_colourOf.Count % Colours.Length])}{prefix}\e[0m";
        lock (_gate)
            foreach (var line in text.Split('\n'))
                Console.Out.WriteLine($"{prefix} {line.TrimEnd('\r')}");
    }

    internal void Write(Table table)
    {
        lock (_gate)
        {
            var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Out), Ansi = _colour ? AnsiSupport.Detect : AnsiSupport.No });
            // Without a terminal there is no width to fit into, and a URL cut in two is no use in a log file.
            if (Console.IsOutputRedirected)
                console.Profile.Width = 200;
            console.Write(table);
        }
    }
}

/// <summary>Sends what the app host and its children log to the console, each line under the name of its source.</summary>
internal sealed class LocalConsoleLoggerProvider(LocalConsole console) : ILoggerProvider
{
    internal const string Own = "AppHost";
    internal const string Resources = "AppHost.Resources.";

    public ILogger CreateLogger(string categoryName) =>
        categoryName.StartsWith(Resources, StringComparison.Ordinal) ? new Writer(console, categoryName[Resources.Length..]) : new Writer(console, "apphost");

    public void Dispose()
    {
    }

    private sealed class Writer(LocalConsole console, string source) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel))
                return;
            var level = logLevel switch { LogLevel.Warning => "warning: ", LogLevel.Error or LogLevel.Critical => "error: ", _ => "" };
            console.WriteLine(source, $"{level}{formatter(state, exception)}{(exception is null ? "" : $"{Environment.NewLine}{exception}")}");
        }
    }
}
