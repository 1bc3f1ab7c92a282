using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;

namespace Agents.Runs;

/// <summary>How runs are kept: section <c>Runs</c>.</summary>
public sealed class RunStorageOptions
{
    /// <summary>The section.</summary>
    public const string Section = "Runs";

    /// <summary>How long a run is kept after its end, with its events, tool calls and results. 1 min – 3650 d; 30 d.</summary>
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How long a client's idempotency key is remembered. 1 min to <see cref="Retention"/>; 24 h.</summary>
    public TimeSpan SubmissionKeys { get; set; } = TimeSpan.FromHours(24);

    /// <summary>Part of every Redis key, so that several installations can share one server: 1 to 40 of a–z, 0–9, '-' and '_'; <c>default</c>.</summary>
    public string Tenant { get; set; } = "default";
}

/// <summary>Reports every error of the storage settings at once.</summary>
internal sealed partial class RunStorageOptionsValidation : IValidateOptions<RunStorageOptions>
{
    private static readonly TimeSpan Least = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Most = TimeSpan.FromDays(3650);

    public ValidateOptionsResult Validate(string? name, RunStorageOptions options)
    {
        var errors = new List<string>();
        if (options.Retention < Least || options.Retention > Most)
            errors.Add($"Runs:Retention is {options.Retention}: use {Least} to {Most}.");
        if (options.SubmissionKeys < Least || options.SubmissionKeys > options.Retention)
            errors.Add($"Runs:SubmissionKeys is {options.SubmissionKeys}: use {Least} to Runs:Retention ({options.Retention}).");
        if (!TenantName().IsMatch(options.Tenant))
            errors.Add($"Runs:Tenant is '{options.Tenant}': use 1 to 40 of a-z, 0-9, '-' and '_'.");
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }

    [GeneratedRegex("^[a-z0-9_-]{1,40}$")]
    private static partial Regex TenantName();
}
