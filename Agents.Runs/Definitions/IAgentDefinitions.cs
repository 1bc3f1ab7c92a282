namespace Agents.Runs;

/// <summary>One version of an agent that a user defined. What is in <see cref="Definition"/> is the worker's affair.</summary>
/// <param name="Id">Names the agent through all its versions; see <see cref="NewId"/>.</param>
/// <param name="Owner">The caller whose agent it is; null where nobody is authenticated.</param>
/// <param name="Name">The agent's name, unique among its owner's.</param>
/// <param name="Version">1, 2, 3 …</param>
/// <param name="Definition">The definition's text.</param>
/// <param name="CreatedAt">When this version was stored.</param>
public sealed record StoredAgent(string Id, string? Owner, string Name, int Version, string Definition, DateTimeOffset CreatedAt)
{
    /// <summary>A new id: it sorts by time and cannot be guessed from another.</summary>
    public static string NewId(TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        return $"agent_{Guid.CreateVersion7(time.GetUtcNow()):N}";
    }
}

/// <summary>The agents that users defined. A change is a new version; the versions before stay readable until the agent is deleted.</summary>
public interface IAgentDefinitions
{
    /// <summary>Stores a new agent as version 1.</summary>
    /// <returns>The agent; null when its owner has another of that name.</returns>
    Task<StoredAgent?> CreateAsync(string? owner, string name, string definition, CancellationToken cancellationToken);

    /// <summary>Stores the version after <paramref name="version"/>.</summary>
    /// <returns>The new version; null when <paramref name="version"/> is not the latest any more, or the agent is gone.</returns>
    Task<StoredAgent?> ReplaceAsync(string id, int version, string definition, CancellationToken cancellationToken);

    /// <summary>One version, the latest with null; null if there is none.</summary>
    Task<StoredAgent?> GetAsync(string id, int? version, CancellationToken cancellationToken);

    /// <summary>The latest version of an owner's agent; null if there is none of that name.</summary>
    Task<StoredAgent?> FindAsync(string? owner, string name, CancellationToken cancellationToken);

    /// <summary>The latest version of each agent of an owner, by name.</summary>
    Task<IReadOnlyList<StoredAgent>> ListAsync(string? owner, CancellationToken cancellationToken);

    /// <summary>Deletes an agent with all its versions.</summary>
    /// <returns>False if there is none.</returns>
    Task<bool> DeleteAsync(string id, CancellationToken cancellationToken);
}
