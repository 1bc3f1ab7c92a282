using Microsoft.Extensions.Options;

namespace Agents.Worker.Runs;

/// <summary>How much this worker does at a time: section <c>Worker</c>.</summary>
internal sealed class WorkerOptions
{
    public const string Section = "Worker";

    /// <summary>Runs at the same time. 1–64.</summary>
    public int MaxRuns { get; set; } = 4;

    /// <summary>Agents of one run at the same time. 1–32.</summary>
    public int MaxAgentsPerRun { get; set; } = 5;

    /// <summary>Agents of all runs at the same time. 1–256.</summary>
    public int MaxAgents { get; set; } = 16;

    /// <summary>How long agents may finish what they are doing when the worker stops, before they are cut off. 0 s – 10 min; keep it below <c>Drain:Timeout</c>.</summary>
    public TimeSpan DrainTime { get; set; } = TimeSpan.FromSeconds(20);
}

/// <summary>Reports every error of section <c>Worker</c> at once.</summary>
internal sealed class WorkerOptionsValidation : IValidateOptions<WorkerOptions>
{
    public ValidateOptionsResult Validate(string? name, WorkerOptions options)
    {
        var errors = new List<string>();
        if (options.MaxRuns is < 1 or > 64) errors.Add($"Worker:MaxRuns is {options.MaxRuns}: use 1 to 64.");
        if (options.MaxAgentsPerRun is < 1 or > 32) errors.Add($"Worker:MaxAgentsPerRun is {options.MaxAgentsPerRun}: use 1 to 32.");
        if (options.MaxAgents is < 1 or > 256) errors.Add($"Worker:MaxAgents is {options.MaxAgents}: use 1 to 256.");
        if (options.DrainTime < TimeSpan.Zero || options.DrainTime > TimeSpan.FromMinutes(10))
            errors.Add($"Worker:DrainTime is {options.DrainTime}: use 00:00:00 to 00:10:00.");
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }
}
