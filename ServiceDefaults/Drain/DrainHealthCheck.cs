using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ServiceDefaults.Drain;

/// <summary>Not ready while draining. It carries no <c>live</c> tag: a draining process is alive and must not be killed for it.</summary>
internal sealed class DrainHealthCheck(DrainState drain) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(drain.IsDraining ? HealthCheckResult.Unhealthy("draining") : HealthCheckResult.Healthy());
}
