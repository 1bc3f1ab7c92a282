using System.Collections.Concurrent;
using Agents.Runs;
using Microsoft.Extensions.Options;

namespace Agents.Worker.Runs;

/// <summary>
/// Takes runs from the queue as long as there is room, and works on them. When the service stops it takes no more; the agents at work finish
/// what they are doing and the runs are handed back, those that take too long are cut off first.
/// </summary>
internal sealed partial class RunDispatcher(
    IRunQueue queue, RunExecution execution, IOptions<WorkerOptions> options, TimeProvider time, ILogger<RunDispatcher> logger) : BackgroundService
{
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromSeconds(1);

    private readonly string _workerId = $"{Environment.MachineName}-{Environment.ProcessId}-{Guid.NewGuid():N}"[..^24];
    private readonly ConcurrentDictionary<string, Task> _runs = new();
    private readonly CancellationTokenSource _cutOff = new();
    private readonly SemaphoreSlim _room = new(options.Value.MaxRuns);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken).ConfigureAwait(false);
        _cutOff.CancelAfter(options.Value.DrainTime);
        await using var atTheLatest = cancellationToken.Register(_cutOff.Cancel);
        if (!_runs.IsEmpty) LogDraining(_runs.Count, options.Value.DrainTime);
        // They end by themselves: each obeys the drain, then the cut-off.
        await Task.WhenAll(_runs.Values).ConfigureAwait(false);
    }

    public override void Dispose()
    {
        base.Dispose();
        _cutOff.Dispose();
        _room.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            await _room.WaitAsync(stoppingToken).ConfigureAwait(false);
            try
            {
                Begin(await queue.ClaimAsync(_workerId, stoppingToken).ConfigureAwait(false), stoppingToken);
            }
            catch (Exception error) when (!stoppingToken.IsCancellationRequested)
            {
                _room.Release();
                LogClaimFailed(error);
                await Task.Delay(PauseAfterFailure, time, stoppingToken).ConfigureAwait(false);
            }
        }
    }

    private void Begin(RunLease lease, CancellationToken draining)
    {
        var key = $"{lease.RunId}/{lease.Attempt}";
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        // Listed before it begins, so that a stop always finds it.
        _runs[key] = WorkAsync();
        gate.SetResult();

        async Task WorkAsync()
        {
            await gate.Task.ConfigureAwait(false);
            try
            {
                await execution.RunAsync(lease, draining, _cutOff.Token).ConfigureAwait(false);
            }
            finally
            {
                _runs.TryRemove(key, out _);
                _room.Release();
            }
        }
    }

    [LoggerMessage(LogLevel.Error, "No run could be taken from the queue; it is tried again")]
    private partial void LogClaimFailed(Exception error);

    [LoggerMessage(LogLevel.Information, "Draining: {Count} runs are handed back, within {Time}")]
    private partial void LogDraining(int count, TimeSpan time);
}
