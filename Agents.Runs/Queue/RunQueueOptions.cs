using Microsoft.Extensions.Options;

namespace Agents.Runs;

/// <summary>The times of the queue: section <c>Runs</c>. Api and workers must agree on them.</summary>
public sealed class RunQueueOptions
{
    /// <summary>How long a claim or a renewal holds. 1 s – 10 min; 30 s.</summary>
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a worker renews, on a timer of its own that no tool call can hold up. 100 ms to half of <see cref="Lease"/>; 10 s.</summary>
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How often runs whose lease expired are looked for. 100 ms – 10 min; 15 s.</summary>
    public TimeSpan Reaper { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How many attempts may be lost before the run fails. 1–100; 3.</summary>
    public int MaxAttempts { get; set; } = 3;

    /// <summary>How many runs may wait for a worker before the Api refuses more. 1–1 000 000; 1000. Runs that go back to the queue are always taken.</summary>
    public int MaxQueued { get; set; } = 1000;
}

/// <summary>Reports every error of the queue's settings at once.</summary>
internal sealed class RunQueueOptionsValidation : IValidateOptions<RunQueueOptions>
{
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Most = TimeSpan.FromMinutes(10);

    public ValidateOptionsResult Validate(string? name, RunQueueOptions options)
    {
        var errors = new List<string>();
        Range(errors, nameof(options.Lease), options.Lease, TimeSpan.FromSeconds(1), Most);
        Range(errors, nameof(options.Heartbeat), options.Heartbeat, Least, options.Lease / 2);
        Range(errors, nameof(options.Reaper), options.Reaper, Least, Most);
        Range(errors, nameof(options.MaxAttempts), options.MaxAttempts, 1, 100);
        Range(errors, nameof(options.MaxQueued), options.MaxQueued, 1, 1_000_000);
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }

    private static void Range<T>(List<string> errors, string key, T value, T min, T max) where T : IComparable<T>
    {
        if (value.CompareTo(min) < 0 || value.CompareTo(max) > 0)
            errors.Add($"Runs:{key} is {value}: use {min} to {max}.");
    }
}
