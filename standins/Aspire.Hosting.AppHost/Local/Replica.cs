using System.Collections.Immutable;
using System.ComponentModel;
using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Local;

/// <summary>What every replica needs of the application.</summary>
internal sealed record ReplicaServices(
    ProcessStarter Starter, ResourceEnvironment Environment, ResourceNotificationService Notifications, LocalRunOptions Options, ILoggerFactory Loggers, HttpClient Client, TimeProvider Time);

/// <summary>Keeps one process of a resource running: waits for what it depends on, starts it, watches it, starts it again when it ends.</summary>
// Invariant: the child belongs to RunAsync alone. Stopping only cancels the token; whatever has been started by then is
// stopped on the way out, so a stop that meets a start half-way leaves no process.
internal sealed class Replica(IResource resource, LocalRun.Command command, int index, string id, ReplicaServices services) : IAsyncDisposable
{
    private static readonly TimeSpan WaitReminder = TimeSpan.FromSeconds(10);
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _killNow = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ILogger _log = services.Loggers.CreateLogger(LocalConsoleLoggerProvider.Own);
    private readonly ILogger _lines = services.Loggers.CreateLogger(LocalConsoleLoggerProvider.Resources + id);
    private Task _run = Task.CompletedTask;
    private bool _wasHealthy;

    internal IResource Resource => resource;

    internal void Start() => _run = Task.Run(RunAsync);

    /// <summary>Ends the process, by force after <see cref="LocalRunOptions.StopTimeout"/>, and waits for its end.</summary>
    /// <param name="hurry">Kills it at once.</param>
    internal async Task StopAsync(CancellationToken hurry)
    {
        using var registration = hurry.UnsafeRegister(_ => _killNow.TrySetResult(), null);
        await _stop.CancelAsync().ConfigureAwait(false);
        await _run.ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None).ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            await WaitForDependenciesAsync(_stop.Token).ConfigureAwait(false);
            var backoff = new RestartBackoff(services.Options);
            while (!_stop.IsCancellationRequested)
            {
                var end = await RunOnceAsync().ConfigureAwait(false);
                if (!_stop.IsCancellationRequested)
                    await RestartLaterAsync(end, backoff).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopped while it waited: there is no process.
        }
        Publish(KnownResourceStates.Finished);
    }

    private async Task WaitForDependenciesAsync(CancellationToken cancellationToken)
    {
        foreach (var wait in resource.Annotations.OfType<WaitAnnotation>())
            foreach (var dependency in services.Notifications.Current().Where(e => e.Resource == wait.Resource))
            {
                var ready = services.Notifications.WaitForResourceAsync(dependency.ResourceId, e => e.ResourceId == dependency.ResourceId && IsReady(e.Snapshot, wait.WaitType), cancellationToken);
                if (!ready.IsCompleted)
                    Publish(KnownResourceStates.Waiting, $"for {dependency.ResourceId}");
                while (await Task.WhenAny(ready, Task.Delay(WaitReminder, services.Time, cancellationToken)).ConfigureAwait(false) != ready)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    SayWaiting(dependency.ResourceId);
                }
                await ready.ConfigureAwait(false);
            }
    }

    private static bool IsReady(CustomResourceSnapshot snapshot, WaitType type) =>
        snapshot.State?.Text == KnownResourceStates.NotUsed
        || (type == WaitType.WaitUntilStarted ? snapshot.State?.Text == KnownResourceStates.Running : snapshot.HealthStatus == HealthStatus.Healthy);

    private void SayWaiting(string dependencyId)
    {
        if (services.Notifications.TryGetCurrentState(dependencyId, out var current))
            _log.StillWaiting(id, dependencyId, current.Snapshot.State?.Text ?? "", current.Snapshot.Problem());
    }

    private async Task<RunEnd> RunOnceAsync()
    {
        var started = services.Time.GetTimestamp();
        _wasHealthy = false;
        Publish(KnownResourceStates.Starting);
        try
        {
            var instance = $"{id}-{Guid.NewGuid().ToString("N")[..8]}";
            var environment = await services.Environment.ForAsync(resource, index, instance, _stop.Token).ConfigureAwait(false);
            using var child = await services.Starter.StartAsync(command, environment, _lines.Line, _stop.Token).ConfigureAwait(false);
            Publish(KnownResourceStates.Running, reports: Reports(null));
            var exitCode = await WatchAsync(child).ConfigureAwait(false);
            return new RunEnd($"exit code {exitCode.ToString(CultureInfo.InvariantCulture)}", exitCode, child.LastLines, services.Time.GetElapsedTime(started));
        }
        catch (Exception exception) when (exception is Win32Exception or IOException or InvalidOperationException or DistributedApplicationException)
        {
            return new RunEnd(exception.Message, null, [], services.Time.GetElapsedTime(started));
        }
    }

    private async Task<int> WatchAsync(ChildProcess child)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        var health = WatchHealthAsync(ended.Token);
        var stopped = Task.Delay(Timeout.InfiniteTimeSpan, services.Time, _stop.Token);
        if (await Task.WhenAny(child.Exited, stopped).ConfigureAwait(false) == stopped)
        {
            Publish(KnownResourceStates.Stopping);
            var deadline = Task.Delay(TimeSpan.FromSeconds(services.Options.StopTimeout), services.Time);
            if (!await child.StopAsync(Task.WhenAny(deadline, _killNow.Task)).ConfigureAwait(false))
                _log.Killed(id);
        }
        await ended.CancelAsync().ConfigureAwait(false);
        await health.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return await child.Exited.ConfigureAwait(false);
    }

    private async Task WatchHealthAsync(CancellationToken cancellationToken)
    {
        var checks = resource.Annotations.OfType<LocalHealthAnnotation>().ToList();
        _wasHealthy = checks.Count == 0;
        var lastSaid = services.Time.GetTimestamp();
        while (checks.Count > 0)
        {
            var reports = await Task.WhenAll(checks.Select(check => check.ReportAsync(resource, index, services.Client, cancellationToken))).ConfigureAwait(false);
            var healthy = reports.All(report => report.Status == HealthStatus.Healthy);
            _wasHealthy |= healthy;
            Publish(KnownResourceStates.Running, reports: [.. reports]);
            if (!_wasHealthy && services.Time.GetElapsedTime(lastSaid) >= WaitReminder)
            {
                lastSaid = services.Time.GetTimestamp();
                _log.NotHealthyYet(id, string.Join("; ", reports.Select(report => report.Description).OfType<string>()));
            }
            var pause = healthy ? TimeSpan.FromSeconds(5) : TimeSpan.FromMilliseconds(_wasHealthy ? 1000 : 200);
            await Task.Delay(pause, services.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task RestartLaterAsync(RunEnd end, RestartBackoff backoff)
    {
        var delay = backoff.Next(end.Duration, _wasHealthy);
        var failed = backoff.FailedStarts >= services.Options.FailedStarts;
        _log.Ended(id, end.Reason, end.Duration.TotalSeconds, backoff.Restarts, delay.TotalSeconds);
        if (failed)
            _log.FailedToStart(id, backoff.FailedStarts, end.LastLinesText);
        var detail = string.Create(CultureInfo.InvariantCulture, $"{end.Reason}, restart {backoff.Restarts} in {delay.TotalSeconds:0.#} s");
        Publish(failed ? KnownResourceStates.FailedToStart : KnownResourceStates.Exited, failed && end.LastLinesText is { Length: > 0 } lines ? $"{detail}.{lines}" : detail, end.ExitCode);
        await Task.Delay(delay, services.Time, _stop.Token).ConfigureAwait(false);
    }

    private ImmutableArray<HealthReportSnapshot> Reports(HealthStatus? status) =>
        [.. resource.Annotations.OfType<LocalHealthAnnotation>().Select(check => new HealthReportSnapshot(check.KeyFor(resource), status, null, null))];

    private void Publish(string state, string? detail = null, int? exitCode = null, ImmutableArray<HealthReportSnapshot>? reports = null) =>
        services.Notifications.Publish(resource, id, snapshot => snapshot! with
        {
            State = state,
            Detail = detail,
            ExitCode = exitCode,
            HealthReports = reports ?? [],
        });

    private sealed record RunEnd(string Reason, int? ExitCode, IReadOnlyList<string> LastLines, TimeSpan Duration)
    {
        internal string LastLinesText => LastLines.Count == 0 ? "" : $" Its last lines:{Environment.NewLine}  {string.Join($"{Environment.NewLine}  ", LastLines)}";
    }
}
