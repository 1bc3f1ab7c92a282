using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Agents.Runs;

/// <summary>Whether the store of runs answers.</summary>
internal sealed class RunsHealthCheck(IRunStore store) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await store.ListAsync(new RunFilter { Limit = 1 }, cancellationToken).ConfigureAwait(false);
            return HealthCheckResult.Healthy();
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            return HealthCheckResult.Unhealthy($"The store of runs does not answer: {exception.Message}", exception);
        }
    }
}
