using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Local;

/// <summary>The environment variables a process gets on top of the app host's own.</summary>
internal sealed class ResourceEnvironment(DistributedApplicationExecutionContext executionContext, IConfiguration configuration, IHostEnvironment environment)
{
    private const string OtlpPrefix = "OTEL_EXPORTER_OTLP_";
    private const string ResourceAttributes = "OTEL_RESOURCE_ATTRIBUTES";

    // What a development app host asks for: see telemetry at once, all of it.
    private static readonly IReadOnlyDictionary<string, string> DevelopmentTelemetry = new Dictionary<string, string>
    {
        ["OTEL_BLRP_SCHEDULE_DELAY"] = "1000",
        ["OTEL_BSP_SCHEDULE_DELAY"] = "1000",
        ["OTEL_METRIC_EXPORT_INTERVAL"] = "1000",
        ["OTEL_TRACES_SAMPLER"] = "always_on",
        ["OTEL_METRICS_EXEMPLAR_FILTER"] = "trace_based",
        ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "true",
    };

    /// <param name="resource">Whose process it is.</param>
    /// <param name="replica">Which one, from 0.</param>
    /// <param name="instanceId">The <c>service.instance.id</c> of this start.</param>
    /// <param name="cancellationToken">Stops the look-up of values.</param>
    internal async Task<IReadOnlyDictionary<string, string>> ForAsync(IResource resource, int replica, string instanceId, CancellationToken cancellationToken)
    {
        var context = new EnvironmentCallbackContext(executionContext, cancellationToken: cancellationToken);
        foreach (var annotation in resource.Annotations.OfType<EnvironmentCallbackAnnotation>())
            await annotation.Callback(context).ConfigureAwait(false);
        var variables = new Dictionary<string, string>();
        foreach (var (name, value) in context.EnvironmentVariables)
            variables[name] = value is IValueProvider provider
                ? await provider.GetValueAsync(cancellationToken).ConfigureAwait(false) ?? ""
                : value.ToString() ?? "";
        if (resource.Annotations.OfType<OtlpExporterAnnotation>().Any())
            AddTelemetry(variables, resource, instanceId);
        if (resource is not ProjectResource)
            return variables;
        // One line a record: each carries the name of its resource in front.
        variables.TryAdd("LOGGING__CONSOLE__FORMATTEROPTIONS__SINGLELINE", "true");
        AddUrls(variables, resource, replica);
        return variables;
    }

    private void AddTelemetry(Dictionary<string, string> variables, IResource resource, string instanceId)
    {
        variables.TryAdd("OTEL_SERVICE_NAME", resource.Name);
        var given = variables.GetValueOrDefault(ResourceAttributes) ?? configuration[ResourceAttributes];
        variables[ResourceAttributes] = string.Join(',', new[] { given, $"service.instance.id={instanceId}" }.Where(part => !string.IsNullOrEmpty(part)));
        var exporter = configuration.AsEnumerable().Where(entry => entry.Key.StartsWith(OtlpPrefix, StringComparison.OrdinalIgnoreCase) && entry.Value is not null).ToList();
        foreach (var (name, value) in exporter)
            variables.TryAdd(name, value!);
        if (exporter.Count == 0 || !environment.IsDevelopment())
            return;
        foreach (var (name, value) in DevelopmentTelemetry)
            variables.TryAdd(name, configuration[name] ?? value);
    }

    private static void AddUrls(Dictionary<string, string> variables, IResource resource, int replica)
    {
        var endpoints = resource.Annotations.OfType<EndpointAnnotation>().Where(e => e.UriScheme is "http" or "https" && e.AllocatedPorts.Count > replica).ToList();
        if (endpoints.Count > 0)
            variables["ASPNETCORE_URLS"] = string.Join(';', endpoints.Select(endpoint => endpoint.UrlOf(replica)));
    }
}
