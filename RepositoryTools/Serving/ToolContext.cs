using Microsoft.Extensions.Logging;
using RepositoryTools.Repositories;

namespace RepositoryTools.Serving;

/// <summary>One call of a tool: the repository it is about, what was known of it when the call began, and the arguments.</summary>
internal sealed record ToolCall(Repository Repository, Snapshot Snapshot, ToolArguments Arguments)
{
    /// <summary>What a cursor is bound to.</summary>
    internal string Fingerprint(string tool) => $"{tool}\n{Repository.Name}\n{Arguments.Fingerprint()}";

    /// <summary>The text of an answer, and behind it what was left out of the whole repository.</summary>
    internal string WithNotice(string text) => Snapshot.Notice.Length == 0 ? text : $"{text}\n{Snapshot.Notice}";
}

/// <summary>What all tools share.</summary>
/// <param name="Repositories">The configured repositories.</param>
/// <param name="Clock">Measures the time limit.</param>
/// <param name="TimeLimit">How long one call may take.</param>
/// <param name="Log">Takes what went wrong inside.</param>
internal sealed record ToolContext(IReadOnlyList<Repository> Repositories, TimeProvider Clock, TimeSpan TimeLimit, ILogger Log)
{
    /// <summary>The repository of that name; without a name the only one there is.</summary>
    internal Repository Find(string? name)
    {
        var names = string.Join(", ", Repositories.Select(r => r.Name));
        if (name is null)
        {
            return Repositories.Count == 1
                ? Repositories[0]
                : throw new ToolError($"'repository' is missing and {Repositories.Count} are configured: give one of {names}.");
        }

        return Repositories.FirstOrDefault(r => r.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            ?? throw new ToolError($"'repository' is '{name}', which is not configured: give one of {names}.");
    }
}
