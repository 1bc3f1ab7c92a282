namespace Agents.Worker.Models;

/// <summary>Which model answers, and how it is reached: section <c>Models</c>.</summary>
internal sealed class ModelOptions
{
    public const string Section = "Models";
    public const string Offline = "offline";
    public const string OpenAi = "openai";
    public const string Anthropic = "anthropic";

    /// <summary><c>offline</c>, <c>openai</c> or <c>anthropic</c>. Absent: <c>openai</c> when <see cref="ApiKey"/> is set, else <c>offline</c>.</summary>
    public string? Provider { get; set; }

    /// <summary>
    /// For <c>openai</c> the base of a compatible API, up to and without <c>/chat/completions</c>; a query string is kept (Azure's <c>api-version</c>).
    /// For <c>anthropic</c> up to and without <c>/v1/messages</c>. Absent: the provider's own service.
    /// </summary>
    public string? BaseUrl { get; set; }

    /// <summary>Model (on Azure: deployment) name. Required unless <c>offline</c>.</summary>
    public string? Model { get; set; }

    /// <summary>Sent as <c>Authorization: Bearer</c>, or in <see cref="ApiKeyHeader"/>. Local servers need none. Never logged.</summary>
    public string? ApiKey { get; set; }

    /// <summary>
    /// Header that carries the key as it is instead of <c>Authorization</c>: <c>api-key</c> for Azure's deployment URLs, <c>x-api-key</c> for proxies
    /// of Anthropic's API that know no bearer.
    /// </summary>
    public string? ApiKeyHeader { get; set; }

    /// <summary>For <c>openai</c>: 0–2; absent: the server's default.</summary>
    public float? Temperature { get; set; }

    /// <summary>For <c>anthropic</c>, whose API demands it: the longest answer of one turn, in tokens; a longer one is cut off. 1–200 000.</summary>
    public int MaxOutputTokens { get; set; } = 8192;

    /// <summary>Time until the response begins, and then the longest silence inside it. 1 s – 10 min.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(100);

    /// <summary>Requests spent on one turn before it counts as failed. 1–10.</summary>
    public int MaxAttempts { get; set; } = 4;

    /// <summary>First pause between two requests; doubles, with jitter. 0 – 60 s. The server's <c>Retry-After</c> goes before it.</summary>
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>A <c>Retry-After</c> longer than this ends the turn at once. 0 – 5 min.</summary>
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Model requests open at the same time in this process. 1–256.</summary>
    public int MaxConcurrency { get; set; } = 16;

    /// <summary>What models cost. A model that is not among them costs nobody knows what.</summary>
    public IList<ModelPrice> Prices { get; } = [];

    /// <summary>The price of the model in force; null when it is not known. <c>offline</c> asks nobody and is free.</summary>
    public ModelPrice? EffectivePrice => EffectiveProvider == Offline
        ? new ModelPrice { Model = Offline, Input = 0, Output = 0 }
        : Prices.FirstOrDefault(price => price.Model == EffectiveModel);

    /// <summary>The provider in force.</summary>
    public string EffectiveProvider => Provider ?? (string.IsNullOrWhiteSpace(ApiKey) ? Offline : OpenAi);

    /// <summary>The model name as it is reported with results.</summary>
    public string EffectiveModel => EffectiveProvider == Offline ? Offline : Model!;

    /// <summary>Where the model is asked.</summary>
    public string EffectiveBaseUrl => BaseUrl ?? (EffectiveProvider == Anthropic ? "https://api.anthropic.com" : "https://api.openai.com/v1");
}
