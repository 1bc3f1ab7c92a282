using Microsoft.Extensions.Options;

namespace ServiceDefaults.Drain;

/// <summary>How a service stops. Configuration section <c>Drain</c>.</summary>
public sealed class DrainOptions
{
    /// <summary>Configuration section of these options.</summary>
    public const string Section = "Drain";

    /// <summary>
    /// How long the service goes on serving, already reported as not ready, so that load balancers stop sending to it.
    /// Default 0 (nothing balances load on a laptop), must be shorter than <see cref="Timeout"/>.
    /// </summary>
    public TimeSpan Delay { get; set; } = TimeSpan.Zero;

    /// <summary>
    /// The whole stop, <see cref="Delay"/> included: what is still running then is cut off.
    /// Default 30 s, from 1 s to 10 min. Becomes the host's shutdown timeout.
    /// </summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);
}

internal sealed class DrainOptionsValidator : IValidateOptions<DrainOptions>
{
    private static readonly TimeSpan MinTimeout = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxTimeout = TimeSpan.FromMinutes(10);

    public ValidateOptionsResult Validate(string? name, DrainOptions options)
    {
        var errors = new List<string>();
        if (options.Timeout < MinTimeout || options.Timeout > MaxTimeout)
            errors.Add($"Drain:Timeout is {options.Timeout}: it must be from {MinTimeout} to {MaxTimeout} (hours:minutes:seconds).");
        if (options.Delay < TimeSpan.Zero || options.Delay >= options.Timeout)
            errors.Add($"Drain:Delay is {options.Delay}: it must be 0 or more and shorter than Drain:Timeout ({options.Timeout}).");
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }
}
