using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Polly;

namespace Microsoft.Extensions.Http.Resilience;

/// <summary>How a pipeline is chosen: one for all requests of the client, unless <see cref="Key"/> tells them apart.</summary>
internal sealed class PipelineSelection
{
    public Func<HttpRequestMessage, string> Key { get; set; } = _ => "";
}

/// <summary>
/// The pipelines, by name and key. They outlive the handlers, which the client factory replaces every few minutes: a breaker has to remember.
/// </summary>
internal sealed class ResiliencePipelines(
    IOptionsMonitor<HttpStandardResilienceOptions> options,
    IOptionsMonitor<PipelineSelection> selections,
    TimeProvider clock,
    ILoggerFactory loggers)
{
    private readonly ConcurrentDictionary<(string Name, string Key), Lazy<ResiliencePipeline<HttpResponseMessage>>> _pipelines = new();

    public Func<HttpRequestMessage, ResiliencePipeline<HttpResponseMessage>> Selector(string name)
    {
        var selection = selections.Get(name);
        return request => _pipelines.GetOrAdd((name, selection.Key(request)), id => new(() => Build(id.Name, id.Key))).Value;
    }

    private ResiliencePipeline<HttpResponseMessage> Build(string name, string key)
    {
        var standard = options.Get(name);
        return new ResiliencePipelineBuilder<HttpResponseMessage>
        {
            Name = name,
            InstanceName = key,
            TimeProvider = clock,
            TelemetryListener = new ResilienceLog(loggers.CreateLogger("Polly")),
        }
            .AddStrategy(_ => new RateLimiterStrategy(standard.RateLimiter.DefaultRateLimiterOptions), standard.RateLimiter)
            .AddTimeout(standard.TotalRequestTimeout)
            .AddRetry(standard.Retry)
            .AddCircuitBreaker(standard.CircuitBreaker)
            .AddTimeout(standard.AttemptTimeout)
            .Build();
    }
}
