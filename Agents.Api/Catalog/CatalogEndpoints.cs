using System.Reflection;
using System.Security.Claims;
using Agents.Runs;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Agents.Api.Catalog;

/// <summary>The answer of <c>/types</c>.</summary>
/// <param name="AgentTypes">The agents' names.</param>
/// <param name="Descriptions">What each does, by its name.</param>
/// <param name="TotalCount">How many there are.</param>
internal sealed record AgentTypesAnswer(IReadOnlyList<string> AgentTypes, IReadOnlyDictionary<string, string> Descriptions, int TotalCount);

/// <summary>The answer of <c>/api/health</c> and <c>/api/agents/health</c>.</summary>
/// <param name="Status"><c>healthy</c>, <c>degraded</c> or <c>unhealthy</c>.</param>
/// <param name="Timestamp">When it was asked.</param>
/// <param name="Version">The service's version.</param>
/// <param name="Components">The state of each part by its name.</param>
/// <param name="Endpoints">Where to go on.</param>
internal sealed record HealthAnswer(
    string Status, DateTimeOffset Timestamp, string Version, IReadOnlyDictionary<string, string> Components, IReadOnlyDictionary<string, string> Endpoints);

/// <summary>What there is to call, and whether it can be called.</summary>
internal static class CatalogEndpoints
{
    private static readonly string Version =
        typeof(CatalogEndpoints).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    public static void MapCatalog(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/api/v1/agents/types", TypesAsync).WithTags("Agents").WithSummary("List the agents, your own after the built-in ones");
        endpoints.MapGet("/api/health", HealthAsync).WithTags("Health").WithSummary("Health of the service").Produces<HealthAnswer>().Produces<HealthAnswer>(503);
        endpoints.MapGet("/api/agents/health", HealthAsync).WithTags("Health").WithSummary("Health of the service, where clients of the agents look for it").Produces<HealthAnswer>().Produces<HealthAnswer>(503);
    }

    private static async Task<AgentTypesAnswer> TypesAsync(ClaimsPrincipal caller, IAgentDefinitions definitions, CancellationToken cancellationToken)
    {
        var own = (await definitions.ListAsync(caller.Owner(), cancellationToken)).Select(stored => new AgentDescription(stored.Name, AgentEndpoints.DescriptionOf(stored)));
        AgentDescription[] agents = [.. BuiltInAgents.All, .. own];
        return new([.. agents.Select(agent => agent.Name)], agents.ToDictionary(agent => agent.Name, agent => agent.Description), agents.Length);
    }

    private static async Task<IResult> HealthAsync(HealthCheckService checks, TimeProvider time, CancellationToken cancellationToken)
    {
        var report = await checks.CheckHealthAsync(cancellationToken);
        var answer = new HealthAnswer(
            RunsJson.Word(report.Status),
            time.GetUtcNow(),
            Version,
            report.Entries.ToDictionary(entry => entry.Key, entry => RunsJson.Word(entry.Value.Status)),
            new Dictionary<string, string>
            {
                ["runs"] = "/api/v1/runs",
                ["agents"] = "/api/v1/agents/types",
                ["openapi"] = "/openapi/v1.json",
                ["health"] = "/health",
            });
        return TypedResults.Json(answer, statusCode: report.Status == HealthStatus.Unhealthy ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK);
    }
}
