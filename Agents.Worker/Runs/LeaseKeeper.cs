using Agents.Runs;
using Microsoft.Extensions.Options;

namespace Agents.Worker.Runs;

/// <summary>
/// Holds a lease while its run is worked on: renews it on a timer of its own, which no model or tool call can hold up, and hears when the work
/// must stop. <see cref="Stopped"/> is cancelled once, by whoever comes first: a cancel request, the loss of the lease, or the end of the time
/// that it was last renewed for.
/// </summary>
/// <remarks>
/// A worker that was paused or cut off does not know that its lease is another's. Every write of its is refused by the store; whatever is begun
/// without a write asks <see cref="ThrowIfOver"/> first, which needs nobody's answer.
/// </remarks>
internal sealed partial class LeaseKeeper : IAsyncDisposable
{
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromSeconds(1);

    private readonly IRunQueue _queue;
    private readonly TimeSpan _heartbeat;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopped = new();
    private readonly CancellationTokenSource _closed = new();
    private readonly Task _work;
    private int _signal = -1;
    private long _untilTicks;

    public LeaseKeeper(IRunQueue queue, RunLease lease, IOptions<RunQueueOptions> options, TimeProvider time, ILogger logger)
    {
        (_queue, Lease, _heartbeat, _time, _logger) = (queue, lease, options.Value.Heartbeat, time, logger);
        _untilTicks = lease.ExpiresAt.UtcTicks;
        Stopped = _stopped.Token;
        _work = Task.WhenAll(RenewAsync(), WatchAsync(), ExpireAsync());
    }

    /// <summary>The lease as it was claimed.</summary>
    public RunLease Lease { get; }

    /// <summary>Cancelled when the work must stop.</summary>
    public CancellationToken Stopped { get; }

    /// <summary>Why the work must stop; null while it may go on.</summary>
    public LeaseSignal? Signal => Volatile.Read(ref _signal) is >= 0 and var signal ? (LeaseSignal)signal : null;

    /// <exception cref="LeaseLostException">The lease is over for all that this worker knows: begin nothing.</exception>
    public void ThrowIfOver()
    {
        if (Signal == LeaseSignal.Lost || Left <= TimeSpan.Zero) throw new LeaseLostException(Lease);
    }

    private TimeSpan Left => new DateTimeOffset(Volatile.Read(ref _untilTicks), TimeSpan.Zero) - _time.GetUtcNow();

    public async ValueTask DisposeAsync()
    {
        await _closed.CancelAsync().ConfigureAwait(false);
        await _work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _closed.Dispose();
        _stopped.Dispose();
    }

    private async Task RenewAsync()
    {
        using var timer = new PeriodicTimer(_heartbeat, _time);
        while (await timer.WaitForNextTickAsync(_closed.Token).ConfigureAwait(false))
        {
            try
            {
                var renewed = await _queue.RenewAsync(Lease, _closed.Token).ConfigureAwait(false);
                Volatile.Write(ref _untilTicks, renewed.ExpiresAt.UtcTicks);
            }
            catch (LeaseLostException)
            {
                await StopAsync(LeaseSignal.Lost).ConfigureAwait(false);
                return;
            }
            catch (Exception error) when (!_closed.IsCancellationRequested)
            {
                LogRenewFailed(error, Lease.RunId);
            }
        }
    }

    private async Task ExpireAsync()
    {
        while (Left is var left && left > TimeSpan.Zero)
            await Task.Delay(left, _time, _closed.Token).ConfigureAwait(false);
        await StopAsync(LeaseSignal.Lost).ConfigureAwait(false);
    }

    private async Task WatchAsync()
    {
        while (true)
        {
            try
            {
                await StopAsync(await _queue.WatchAsync(Lease, _closed.Token).ConfigureAwait(false)).ConfigureAwait(false);
                return;
            }
            catch (Exception error) when (!_closed.IsCancellationRequested)
            {
                LogWatchFailed(error, Lease.RunId);
                await Task.Delay(PauseAfterFailure, _time, _closed.Token).ConfigureAwait(false);
            }
        }
    }

    private async Task StopAsync(LeaseSignal signal)
    {
        // A loss outweighs a cancel request: it forbids even to write that the run was cancelled.
        if (signal == LeaseSignal.Lost) Volatile.Write(ref _signal, (int)signal);
        else Interlocked.CompareExchange(ref _signal, (int)signal, -1);
        await _stopped.CancelAsync().ConfigureAwait(false);
    }

    [LoggerMessage(LogLevel.Warning, "The lease of {Run} could not be renewed; it is tried again")]
    private partial void LogRenewFailed(Exception error, string run);

    [LoggerMessage(LogLevel.Warning, "Whether {Run} was cancelled could not be read; it is tried again")]
    private partial void LogWatchFailed(Exception error, string run);
}
