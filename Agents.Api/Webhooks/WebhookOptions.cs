using System.Net;
using Microsoft.Extensions.Options;

namespace Agents.Api.Webhooks;

/// <summary>How runs' clients are told: section <c>Webhooks</c>. All processes of the Api must have the same secrets.</summary>
internal sealed class WebhookOptions
{
    public const string Section = "Webhooks";

    /// <summary>
    /// What messages are signed with (Standard Webhooks): <c>whsec_</c> and 24 to 64 bytes in base64. Each message carries a signature by each, so
    /// that a secret can be replaced: add the new one, let the receivers change, remove the old one. Without any no run may name a webhook.
    /// </summary>
    public IList<string> Secrets { get; } = [];

    /// <summary>Networks such as <c>10.1.0.0/16</c> that webhooks may reach though they are not public. None by default.</summary>
    public IList<string> AllowedNetworks { get; } = [];

    /// <summary>Time for one attempt, connection included. 1 s – 2 min; 15 s.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Attempts before a message is given up. 1–50; 14, which with the default pauses are about a day.</summary>
    public int MaxAttempts { get; set; } = 14;

    /// <summary>The pause after the first failed attempt; doubled after each, with jitter. 100 ms – 1 h; 30 s.</summary>
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The longest pause, a receiver's <c>Retry-After</c> included. <see cref="RetryDelay"/> – 24 h; 6 h.</summary>
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromHours(6);
}

/// <summary>Reports every error of section <c>Webhooks</c> at once. No message contains a secret.</summary>
internal sealed class WebhookOptionsValidation : IValidateOptions<WebhookOptions>
{
    public ValidateOptionsResult Validate(string? name, WebhookOptions options)
    {
        var errors = new List<string>();
        foreach (var (index, secret) in options.Secrets.Index())
        {
            if (WebhookSignature.KeyOf(secret) is null)
                errors.Add($"Webhooks:Secrets:{index} is not 'whsec_' followed by 24 to 64 bytes in base64; make one with: echo whsec_$(openssl rand -base64 32).");
        }

        foreach (var (index, network) in options.AllowedNetworks.Index())
        {
            if (!IPNetwork.TryParse(network, out _))
                errors.Add($"Webhooks:AllowedNetworks:{index} is '{network}': use an address and a length, such as 10.1.0.0/16.");
        }

        Range(errors, nameof(options.Timeout), options.Timeout, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(2));
        Range(errors, nameof(options.MaxAttempts), options.MaxAttempts, 1, 50);
        Range(errors, nameof(options.RetryDelay), options.RetryDelay, TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));
        Range(errors, nameof(options.MaxRetryDelay), options.MaxRetryDelay, options.RetryDelay, TimeSpan.FromHours(24));
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }

    private static void Range<T>(List<string> errors, string key, T value, T min, T max) where T : IComparable<T>
    {
        if (value.CompareTo(min) < 0 || value.CompareTo(max) > 0)
            errors.Add($"Webhooks:{key} is {value}: use {min} to {max}.");
    }
}
