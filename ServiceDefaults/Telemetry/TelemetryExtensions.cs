using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace ServiceDefaults.Telemetry;

internal static class TelemetryExtensions
{
    public const string EndpointVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    /// <summary>Our own sources and meters, and those of the libraries; .NET and the MCP SDK emit these without instrumentation packages.</summary>
    private static readonly string[] Sources =
        ["Agents.*", "McpGateway*", "Microsoft.AspNetCore", "System.Net.Http", "Experimental.ModelContextProtocol"];

    private static readonly string[] Meters =
    [
        "Agents.*", "McpGateway*", "Experimental.ModelContextProtocol", "System.Net.Http", "System.Runtime",
        "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Routing", "Microsoft.AspNetCore.Server.Kestrel", "Microsoft.AspNetCore.MemoryPool",
    ];

    /// <summary>
    /// Exports traces, metrics and logs over OTLP when <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set, as the other <c>OTEL_*</c> variables say;
    /// else there is no collector, and nothing is recorded.
    /// </summary>
    public static TBuilder AddTelemetry<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        var configuration = builder.Configuration;
        if (string.IsNullOrWhiteSpace(configuration[EndpointVariable])) return builder;

        RequestSpans.KeepAttributes();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IStartupFilter, RequestSpansFilter>());
        builder.Services.AddHostedService<TelemetryExport>();

        var telemetry = new TelemetryBuilder(builder.Services).ConfigureResource(resource => AddName(resource, builder));
        if (OtlpSignal.Traces(configuration) is { IsOn: true } traces)
            telemetry.WithTracing(tracing => tracing.AddSource(Sources).AddOtlpExporter(traces.Configure));
        if (OtlpSignal.Metrics(configuration) is { IsOn: true } metrics)
            telemetry.WithMetrics(metering => metering.AddMeter(Meters).AddOtlpExporter(metrics.Configure));
        if (OtlpSignal.Logs(configuration) is { IsOn: true } logs)
            telemetry.WithLogging(logging => logging.AddOtlpExporter(logs.Configure), KeepWholeRecords);
        return builder;
    }

    private static void KeepWholeRecords(OpenTelemetryLoggerOptions options)
    {
        options.IncludeFormattedMessage = true;
        options.IncludeScopes = true;
    }

    private static void AddName(ResourceBuilder resource, IHostApplicationBuilder builder)
    {
        var attributes = builder.Configuration["OTEL_RESOURCE_ATTRIBUTES"] ?? "";
        var isNamed = !string.IsNullOrWhiteSpace(builder.Configuration["OTEL_SERVICE_NAME"])
            || attributes.Contains("service.name=", StringComparison.Ordinal);
        if (!isNamed) resource.AddService(builder.Environment.ApplicationName);
    }

    /// <summary>The services of the host itself, so that the providers see its configuration and are disposed with it.</summary>
    private sealed class TelemetryBuilder(IServiceCollection services) : IOpenTelemetryBuilder
    {
        public IServiceCollection Services => services;
    }
}
