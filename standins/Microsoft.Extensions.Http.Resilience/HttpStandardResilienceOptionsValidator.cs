using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using Polly;

namespace Microsoft.Extensions.Http.Resilience;

/// <summary>The bounds of each strategy, and the rules between them.</summary>
internal sealed class HttpStandardResilienceOptionsValidator : IValidateOptions<HttpStandardResilienceOptions>
{
    public ValidateOptionsResult Validate(string? name, HttpStandardResilienceOptions options)
    {
        List<string> errors =
        [
            .. Bounds(options.RateLimiter), .. Bounds(options.TotalRequestTimeout), .. Bounds(options.Retry),
            .. Bounds(options.CircuitBreaker), .. Bounds(options.AttemptTimeout),
        ];
        var total = options.TotalRequestTimeout.Timeout;
        var attempt = options.AttemptTimeout.Timeout;
        if (attempt > total)
            errors.Add($"AttemptTimeout ({attempt}) must not be longer than TotalRequestTimeout ({total}).");
        if (options.CircuitBreaker.SamplingDuration < attempt * 2)
            errors.Add($"CircuitBreaker.SamplingDuration ({options.CircuitBreaker.SamplingDuration}) must be at least twice AttemptTimeout ({attempt}).");
        if (RetryDelays(options.Retry) is var delays && delays > total)
            errors.Add($"The delays of Retry add up to {delays}, which is longer than TotalRequestTimeout ({total}).");
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }

    private static IEnumerable<string> Bounds(ResilienceStrategyOptions strategy)
    {
        var results = new List<ValidationResult>();
        Validator.TryValidateObject(strategy, new ValidationContext(strategy), results, validateAllProperties: true);
        return results.Select(result => $"{strategy.Name}: {result.ErrorMessage}");
    }

    private static TimeSpan RetryDelays(HttpRetryStrategyOptions retry)
    {
        var delays = Enumerable.Range(0, retry.MaxRetryAttempts).Select(attempt => retry.BackoffType switch
        {
            DelayBackoffType.Exponential => retry.Delay.TotalSeconds * Math.Pow(2, attempt),
            DelayBackoffType.Linear => retry.Delay.TotalSeconds * (attempt + 1),
            _ => retry.Delay.TotalSeconds,
        });
        // More than a day is refused by the total timeout's own bound; longer sums would not fit a TimeSpan.
        return TimeSpan.FromSeconds(Math.Min(delays.Sum(), TimeSpan.FromDays(2).TotalSeconds));
    }
}
