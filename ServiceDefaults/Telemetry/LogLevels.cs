using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.Hosting;

namespace ServiceDefaults.Telemetry;

internal static class LogLevels
{
    /// <summary>
    /// A line per request, attempt and failing health probe drowns what a service has to say itself. These are defaults: they come first
    /// in the configuration, so <c>Logging:LogLevel:…</c> anywhere else overrides them.
    /// </summary>
    public static TBuilder AddQuietLogs<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource
        {
            InitialData = new Dictionary<string, string?>
            {
                ["Logging:LogLevel:Microsoft.AspNetCore"] = "Warning",
                ["Logging:LogLevel:System.Net.Http.HttpClient"] = "Warning",
                ["Logging:LogLevel:Polly"] = "Warning",
                ["Logging:LogLevel:ModelContextProtocol"] = "Warning",
                // A start that fails is told in sentences by RunServiceAsync; a background service that fails is logged as critical too.
                ["Logging:LogLevel:Microsoft.Extensions.Hosting.Internal.Host"] = "Critical",
                // What fails is told to whoever asks /health.
                ["Logging:LogLevel:Microsoft.Extensions.Diagnostics.HealthChecks"] = "Critical",
            },
        });
        return builder;
    }
}
