using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ServiceDefaults.Drain;

/// <summary>
/// Holds the stop back for <see cref="DrainOptions.Delay"/>. The host runs every <c>StoppingAsync</c> before the first <c>StopAsync</c>,
/// so Kestrel still answers meanwhile: <c>/health</c> says "draining" to whoever balances the load.
/// </summary>
internal sealed partial class DrainDelay(
    IOptions<DrainOptions> options,
    IHostApplicationLifetime lifetime,
    TimeProvider clock,
    ILogger<DrainDelay> logger) : IHostedLifecycleService
{
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        // A host that is stopped by a call, not by a signal, would say so only after this method.
        lifetime.StopApplication();
        var delay = options.Value.Delay;
        if (delay == TimeSpan.Zero) return;
        LogDraining(delay);
        // Cancelled when the shutdown timeout is over: then there is nothing left to wait for.
        await Task.Delay(delay, clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(Level = LogLevel.Information, Message = "Draining: still serving for {Delay}, reported as not ready")]
    private partial void LogDraining(TimeSpan delay);
}
