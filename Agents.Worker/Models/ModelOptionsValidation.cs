using Microsoft.Extensions.Options;

namespace Agents.Worker.Models;

/// <summary>Reports every error of section <c>Models</c> at once. No message contains the key.</summary>
internal sealed class ModelOptionsValidation : IValidateOptions<ModelOptions>
{
    public ValidateOptionsResult Validate(string? name, ModelOptions options)
    {
        var errors = new List<string>();
        switch (options.EffectiveProvider)
        {
            case ModelOptions.OpenAi: CheckServer(options, errors); break;
            case ModelOptions.Anthropic: CheckAnthropic(options, errors); break;
            case ModelOptions.Offline: CheckOffline(options, errors); break;
            default: errors.Add($"Models:Provider is '{options.Provider}': use 'offline', 'openai' or 'anthropic'."); break;
        }

        Range(errors, nameof(options.Timeout), options.Timeout, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10));
        Range(errors, nameof(options.RetryDelay), options.RetryDelay, TimeSpan.Zero, TimeSpan.FromMinutes(1));
        Range(errors, nameof(options.MaxRetryDelay), options.MaxRetryDelay, TimeSpan.Zero, TimeSpan.FromMinutes(5));
        Range(errors, nameof(options.MaxAttempts), options.MaxAttempts, 1, 10);
        Range(errors, nameof(options.MaxConcurrency), options.MaxConcurrency, 1, 256);
        Range(errors, nameof(options.MaxOutputTokens), options.MaxOutputTokens, 1, 200_000);
        CheckPrices(options.Prices, errors);
        if (options.Temperature is { } temperature) Range(errors, nameof(options.Temperature), temperature, 0f, 2f);
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }

    private static void CheckAnthropic(ModelOptions options, List<string> errors)
    {
        CheckServer(options, errors);
        if (options.ApiKey is null && options.BaseUrl is null)
            errors.Add("Models:ApiKey is missing: set the key of Anthropic's API, or Models:BaseUrl to a compatible server that needs none.");
        if (options.Temperature is { } temperature)
            errors.Add(FormattableString.Invariant($"Models:Temperature is {temperature}, but requests of the provider 'anthropic' carry none: remove it."));
    }

    private static void CheckServer(ModelOptions options, List<string> errors)
    {
        if (string.IsNullOrWhiteSpace(options.Model))
            errors.Add("Models:Model is missing: name the model the server at Models:BaseUrl should use.");
        if (!Uri.TryCreate(options.EffectiveBaseUrl, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
            errors.Add($"Models:BaseUrl is '{options.BaseUrl}': use an absolute http or https URL such as http://localhost:11434/v1.");
        else if (url.UserInfo.Length > 0)
            errors.Add("Models:BaseUrl carries a user name or password: remove it and set Models:ApiKey.");
        if (options.ApiKey is { } key && (key.Length == 0 || key.Any(c => c is < '!' or > '~')))
            errors.Add("Models:ApiKey is empty or has characters a header cannot carry: set the key without spaces or line ends, or remove it.");
        if (options.ApiKeyHeader is { } header && (header.Length == 0 || !header.All(c => char.IsAsciiLetterOrDigit(c) || c == '-')))
            errors.Add($"Models:ApiKeyHeader is '{header}': use a header name such as 'api-key', or remove it.");
    }

    private static void CheckPrices(IList<ModelPrice> prices, List<string> errors)
    {
        foreach (var (index, price) in prices.Index())
        {
            var key = $"Models:Prices:{index}";
            if (string.IsNullOrWhiteSpace(price.Model)) errors.Add($"{key}:Model is missing: name the model the prices are of.");
            if (price.Input is not >= 0 or > 10_000) errors.Add(FormattableString.Invariant($"{key}:Input is '{price.Input}': use 0 to 10000, US dollars per million tokens."));
            if (price.Output is not >= 0 or > 10_000) errors.Add(FormattableString.Invariant($"{key}:Output is '{price.Output}': use 0 to 10000, US dollars per million tokens."));
        }

        foreach (var twice in prices.GroupBy(price => price.Model).Where(group => group.Key is not null && group.Count() > 1))
            errors.Add($"Models:Prices has '{twice.Key}' {twice.Count()} times: give each model once.");
    }

    private static void CheckOffline(ModelOptions options, List<string> errors)
    {
        if (options.Provider is null && !string.IsNullOrWhiteSpace(options.Model))
            errors.Add($"Models:Model is '{options.Model}', but without Models:ApiKey the provider is 'offline': set Models:Provider to 'openai' to use it.");
        if (options.Provider is null && options.BaseUrl is not null)
            errors.Add($"Models:BaseUrl is '{options.BaseUrl}', but without Models:ApiKey the provider is 'offline': set Models:Provider to 'openai' to use it.");
    }

    private static void Range<T>(List<string> errors, string key, T value, T min, T max) where T : IComparable<T>
    {
        if (value.CompareTo(min) < 0 || value.CompareTo(max) > 0)
            errors.Add(FormattableString.Invariant($"Models:{key} is {value}: use {min} to {max}."));
    }
}
