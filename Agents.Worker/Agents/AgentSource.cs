using Agents.Runs;

namespace Agents.Worker.Agents;

/// <summary>Finds what an agent of a run is: one of this worker's files, or the version of a user's agent that the run names.</summary>
internal sealed class AgentSource(AgentCatalog files, IAgentDefinitions definitions)
{
    /// <exception cref="AgentDefinitionException">There is none, or it cannot be used; the message is fit for the run's reader.</exception>
    public async Task<AgentDefinition> FindAsync(AgentExecution agent, CancellationToken cancellationToken)
    {
        if (agent.AgentId is not { } id)
            return files.Find(agent.Name) ?? throw new AgentDefinitionException([$"There is no agent '{agent.Name}'. There are: {string.Join(", ", files.Names)}."]);
        var version = int.Parse(agent.Version!, System.Globalization.CultureInfo.InvariantCulture);
        return await definitions.GetAsync(id, version, cancellationToken).ConfigureAwait(false) is { } stored
            ? AgentDefinitionReader.Read(agent.Name, stored.Definition, agent.Version)
            : throw new AgentDefinitionException([$"Version {version} of agent '{agent.Name}' ({id}) was deleted before this run came to it."]);
    }
}
