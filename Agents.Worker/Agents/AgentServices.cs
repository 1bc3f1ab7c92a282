using Agents.Worker.Agents;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the agents' definitions.</summary>
internal static class AgentServices
{
    /// <summary>Adds the definitions of the folder <c>Agents</c>, and the way to those that users stored. The former are read when the worker starts; one that cannot be used stops the start.</summary>
    public static IServiceCollection AddAgents(this IServiceCollection services) =>
        services.AddSingleton(_ => AgentCatalog.Load(AgentCatalog.DefaultDirectory)).AddSingleton<AgentSource>();
}
