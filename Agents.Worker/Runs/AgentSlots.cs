using Microsoft.Extensions.Options;

namespace Agents.Worker.Runs;

/// <summary>Bounds the agents at work: those of one run, and those of the process.</summary>
internal sealed class AgentSlots(IOptions<WorkerOptions> options) : IDisposable
{
    private readonly SemaphoreSlim _process = new(options.Value.MaxAgents);

    /// <summary>Waits for room; disposing gives it back. The run's bound comes first, so that a big run does not queue before everybody else.</summary>
    public async Task<IDisposable> TakeAsync(SemaphoreSlim perRun, CancellationToken cancellationToken)
    {
        await perRun.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await _process.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            perRun.Release();
            throw;
        }

        return new Slot(perRun, _process);
    }

    public void Dispose() => _process.Dispose();

    private sealed class Slot(SemaphoreSlim perRun, SemaphoreSlim process) : IDisposable
    {
        private int _disposed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
            process.Release();
            perRun.Release();
        }
    }
}
