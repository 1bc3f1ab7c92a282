using Microsoft.Extensions.Hosting;

namespace ServiceDefaults.Drain;

/// <summary>
/// Whether this service is on its way out. From the moment the host is asked to stop, <c>/health</c> answers 503 "draining"
/// while <c>/alive</c> stays healthy and the listener stays open for <see cref="DrainOptions.Delay"/>.
/// Whatever would keep a request or a loop open for long (a stream, a queue reader) watches <see cref="Draining"/>.
/// </summary>
public sealed class DrainState
{
    /// <summary>Follows the lifetime of the host; it holds no state of its own, so the two can never disagree.</summary>
    public DrainState(IHostApplicationLifetime lifetime)
    {
        ArgumentNullException.ThrowIfNull(lifetime);
        Draining = lifetime.ApplicationStopping;
    }

    /// <summary>Cancelled when the drain begins.</summary>
    public CancellationToken Draining { get; }

    /// <summary>True from the moment the drain begins.</summary>
    public bool IsDraining => Draining.IsCancellationRequested;
}
