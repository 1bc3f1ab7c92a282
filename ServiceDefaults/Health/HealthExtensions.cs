using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using ServiceDefaults.Callers;

namespace ServiceDefaults.Health;

internal static class HealthExtensions
{
    public const string ReadyPath = "/health";
    public const string LivePath = "/alive";
    private const string LiveTag = "live";

    public static TBuilder AddDefaultHealthChecks<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddHealthChecks().AddCheck("self", () => HealthCheckResult.Healthy(), [LiveTag]);
        return builder;
    }

    public static void MapHealth(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapHealth(ReadyPath, _ => true);
        endpoints.MapHealth(LivePath, check => check.Tags.Contains(LiveTag));
    }

    private static void MapHealth(this IEndpointRouteBuilder endpoints, string path, Func<HealthCheckRegistration, bool> included) =>
        endpoints
            .MapHealthChecks(path, new HealthCheckOptions { Predicate = included, ResponseWriter = HealthResponse.WriteAsync })
            .WithMetadata(CallerGuardExempt.Instance)
            .DisableHttpMetrics();
}
