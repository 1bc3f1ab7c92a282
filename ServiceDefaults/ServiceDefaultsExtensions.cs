using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using ServiceDefaults.Drain;
using ServiceDefaults.Health;
using ServiceDefaults.Telemetry;

namespace Microsoft.Extensions.Hosting;

/// <summary>What every service of the solution has in common.</summary>
public static class ServiceDefaultsExtensions
{
    /// <summary>
    /// Adds telemetry over OTLP, health checks, drain, service discovery and resilience of outgoing HTTP, and the system clock (<see cref="TimeProvider"/>).
    /// Call it first in <c>Program.cs</c>: hosted services stop in reverse order, and these should stop last.
    /// </summary>
    public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.TryAddSingleton(TimeProvider.System);
        return builder
            .AddQuietLogs()
            .AddTelemetry()
            .AddDefaultHealthChecks()
            .AddDrain()
            .AddOutgoingHttp();
    }

    /// <summary>
    /// Maps <c>/health</c> (ready: every check passes) and <c>/alive</c> (live: the checks tagged <c>live</c>) in every environment:
    /// a deployment whose probes find neither never becomes ready. Both are exempt from the caller guard.
    /// </summary>
    public static WebApplication MapDefaultEndpoints(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.MapHealth();
        return app;
    }
}
