using Microsoft.Extensions.Options;

namespace Agents.Worker.Loop;

/// <summary>What holds for every agent of this process: section <c>Loop</c>.</summary>
internal sealed class LoopOptions
{
    public const string Section = "Loop";

    /// <summary>Tool calls of one turn that run at the same time. 1–32.</summary>
    public int ParallelToolCalls { get; set; } = 4;

    /// <summary>Time for the last answer after the time budget is used up. 1 s – 2 min.</summary>
    public TimeSpan LastAnswerTime { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Turns compared for convergence. 2–10.</summary>
    public int ConvergenceWindow { get; set; } = 3;

    /// <summary>Similarity from which turns count as equal. 0.1–1.</summary>
    public double ConvergenceThreshold { get; set; } = 0.8;
}

/// <summary>Reports every error of section <c>Loop</c> at once.</summary>
internal sealed class LoopOptionsValidation : IValidateOptions<LoopOptions>
{
    public ValidateOptionsResult Validate(string? name, LoopOptions options)
    {
        var errors = new List<string>();
        if (options.ParallelToolCalls is < 1 or > 32) errors.Add($"Loop:ParallelToolCalls is {options.ParallelToolCalls}: use 1 to 32.");
        if (options.LastAnswerTime < TimeSpan.FromSeconds(1) || options.LastAnswerTime > TimeSpan.FromMinutes(2))
            errors.Add($"Loop:LastAnswerTime is {options.LastAnswerTime}: use 00:00:01 to 00:02:00.");
        if (options.ConvergenceWindow is < 2 or > 10) errors.Add($"Loop:ConvergenceWindow is {options.ConvergenceWindow}: use 2 to 10.");
        if (options.ConvergenceThreshold is not (>= 0.1 and <= 1))
            errors.Add(FormattableString.Invariant($"Loop:ConvergenceThreshold is {options.ConvergenceThreshold}: use 0.1 to 1."));
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }
}
