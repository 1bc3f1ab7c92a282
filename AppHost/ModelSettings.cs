using Microsoft.Extensions.Configuration;

namespace AppHost;

/// <summary>The language model, where one is configured at the app host. Without any of it the worker uses its own settings, by default <c>offline</c>.</summary>
/// <param name="Values">What the worker gets, by variable name; no secret among them.</param>
/// <param name="ApiKey">The key; null when none is configured.</param>
internal sealed record ModelSettings(IReadOnlyDictionary<string, string> Values, string? ApiKey)
{
    internal const string KeyParameter = "model-api-key";
    internal const string KeyVariable = "Models__ApiKey";
    private static readonly string[] Names = ["Provider", "BaseUrl", "Model", "ApiKeyHeader", "Temperature", "MaxOutputTokens", "Timeout", "MaxAttempts", "RetryDelay", "MaxRetryDelay", "MaxConcurrency"];

    internal static ModelSettings Read(IConfiguration configuration, List<string> errors)
    {
        var values = Names.Where(name => !string.IsNullOrWhiteSpace(configuration[$"Models:{name}"])).ToDictionary(name => $"Models__{name}", name => configuration[$"Models:{name}"]!);
        foreach (var (name, value) in configuration.GetSection("Models:Prices").AsEnumerable().Where(price => price.Value is not null))
            values[name.Replace(":", "__", StringComparison.Ordinal)] = value!;
        if (values.TryGetValue("Models__BaseUrl", out var url) && !(Uri.TryCreate(url, UriKind.Absolute, out var parsed) && parsed.Scheme is "http" or "https"))
            errors.Add($"Models:BaseUrl is '{url}': give an absolute http or https URL, for example https://api.openai.com/v1.");
        var key = configuration["Models:ApiKey"] ?? configuration[$"Parameters:{KeyParameter}"] ?? configuration[$"Parameters:{KeyParameter.Replace('-', '_')}"];
        return new ModelSettings(values, string.IsNullOrWhiteSpace(key) ? null : key);
    }
}
