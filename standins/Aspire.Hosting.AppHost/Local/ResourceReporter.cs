using System.Diagnostics;
using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Spectre.Console;

namespace Aspire.Hosting.Local;

/// <summary>Tells the person at the terminal what changes: a line each time, a table once everything is up and after each change from then on.</summary>
internal sealed class ResourceReporter(ResourceNotificationService notifications, LocalConsole console, ILoggerFactory loggers, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(300);
    private readonly ILogger _log = loggers.CreateLogger(LocalConsoleLoggerProvider.Own);
    private readonly Dictionary<string, string> _said = [];
    private readonly HashSet<string> _healthyOnce = [];
    private bool _isUp;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await ReportAsync(stoppingToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The end. Where the start failed the host takes what is thrown here for a crash.
        }
    }

    private async Task ReportAsync(CancellationToken stoppingToken)
    {
        await using var events = notifications.WatchAsync(stoppingToken).GetAsyncEnumerator(stoppingToken);
        var next = events.MoveNextAsync().AsTask();
        var tableDue = false;
        while (true)
        {
            var pause = tableDue ? Task.Delay(Quiet, time, stoppingToken) : null;
            if (pause is not null && await Task.WhenAny(next, pause).ConfigureAwait(false) == pause)
            {
                if (_isUp || notifications.Current().All(IsSettled))
                    WriteTable();
                tableDue = false;
                continue;
            }
            if (!await next.ConfigureAwait(false))
                return;
            tableDue |= Say(events.Current) && IsWorthTable(events.Current.Snapshot);
            next = events.MoveNextAsync().AsTask();
        }
    }

    private bool Say(ResourceEvent change)
    {
        if (change.Snapshot.HealthStatus == HealthStatus.Healthy)
            _healthyOnce.Add(change.ResourceId);
        else if (change.Snapshot.State?.Text != KnownResourceStates.Running)
            _healthyOnce.Remove(change.ResourceId);
        else if (!_healthyOnce.Contains(change.ResourceId))
            return false; // It has just been started. If it stays like this, its replica says so.
        var text = $"{change.Snapshot.State?.Text}{change.Snapshot.Problem()}{HealthOf(change.Snapshot, ", ")}";
        if (_said.GetValueOrDefault(change.ResourceId) == text)
            return false;
        _said[change.ResourceId] = text;
        if (change.Snapshot.State?.Text is not ("NotStarted" or "NotUsed"))
            _log.Changed(change.ResourceId, text.Split('\n')[0]);
        return true;
    }

    private static bool IsWorthTable(CustomResourceSnapshot snapshot) => snapshot.State?.Text is "Running" or "Exited" or "FailedToStart" or "NotUsed";

    private static bool IsSettled(ResourceEvent current) =>
        current.Snapshot.HealthStatus == HealthStatus.Healthy || current.Snapshot.State?.Text == KnownResourceStates.NotUsed;

    private void WriteTable()
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("Resource", "State", "Health", "URL");
        foreach (var current in notifications.Current())
            table.AddRow(
                new Text(current.ResourceId), new Text($"{current.Snapshot.State?.Text}"), new Text(HealthOf(current.Snapshot, "")), new Text(Where(current.Snapshot)));
        console.Write(table);
        if (_isUp)
            return;
        _isUp = true;
        using var self = Process.GetCurrentProcess();
        var elapsed = time.GetUtcNow() - self.StartTime.ToUniversalTime();
        console.WriteLine("apphost", string.Create(CultureInfo.InvariantCulture, $"Everything is up after {elapsed.TotalSeconds:0.0} s. Press Ctrl+C to stop."));
    }

    private static string Where(CustomResourceSnapshot snapshot) =>
        snapshot.Urls.IsEmpty || snapshot.Detail is not null
            ? snapshot.Detail?.Split('\n')[0] ?? ""
            : string.Join("  ", snapshot.Urls.Select(url => url.DisplayText is { } text ? $"{url.Url} ({text})" : url.Url));

    private static string HealthOf(CustomResourceSnapshot snapshot, string separator) =>
        snapshot.HealthStatus is { } health ? $"{separator}{health}" : "";
}

internal static class SnapshotTextExtensions
{
    /// <summary>Why it is not as it should be, to follow the state; empty when it is.</summary>
    internal static string Problem(this CustomResourceSnapshot snapshot)
    {
        var reason = snapshot.Detail ?? string.Join("; ", snapshot.HealthReports.Where(report => report.Description is not null).Select(report => report.Description));
        return reason.Length == 0 ? "" : $" ({reason})";
    }
}
