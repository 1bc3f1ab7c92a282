using Agents.Runs;

namespace Agents.Worker.Agents;

/// <summary>The agents this worker knows, read once at start.</summary>
internal sealed class AgentCatalog(IReadOnlyDictionary<string, AgentDefinition> agents)
{
    /// <summary>Where the definitions lie beside the program.</summary>
    public static string DefaultDirectory => Path.Combine(AppContext.BaseDirectory, "Agents");

    public AgentDefinition? Find(string name) => agents.GetValueOrDefault(name);

    public IEnumerable<string> Names => agents.Keys.Order(StringComparer.Ordinal);

    /// <summary>Reads every <c>*.md</c> of a folder.</summary>
    /// <exception cref="AgentDefinitionException">Names every definition that cannot be used, with file and line.</exception>
    public static AgentCatalog Load(string directory)
    {
        var agents = new Dictionary<string, AgentDefinition>(StringComparer.Ordinal);
        var errors = new List<string>();
        var files = Directory.Exists(directory) ? Directory.GetFiles(directory, "*.md") : [];
        foreach (var file in files.Order(StringComparer.Ordinal))
        {
            try
            {
                var agent = AgentDefinitionReader.Read(file, File.ReadAllText(file));
                if (!agents.TryAdd(agent.Name, agent)) errors.Add($"{file}:1: there is already an agent '{agent.Name}'.");
            }
            catch (AgentDefinitionException error)
            {
                errors.Add(error.Message);
            }
        }

        if (agents.Count == 0 && errors.Count == 0) errors.Add($"{directory}:0: there is no agent definition (*.md) in this folder.");
        return errors.Count == 0 ? new AgentCatalog(agents) : throw new AgentDefinitionException(errors);
    }
}
