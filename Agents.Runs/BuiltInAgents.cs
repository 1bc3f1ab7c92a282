namespace Agents.Runs;

/// <summary>An agent as the catalogue shows it.</summary>
/// <param name="Name">Names the agent in requests.</param>
/// <param name="Description">What it does, in a sentence.</param>
public sealed record AgentDescription(string Name, string Description);

/// <summary>The agents that come with the product. Their prompts and tools belong to the worker; the names are agreed here.</summary>
public static class BuiltInAgents
{
    /// <summary>Finds what can be made simpler.</summary>
    public const string Simplifier = "simplifier";

    /// <summary>Finds what no test covers.</summary>
    public const string Tester = "tester";

    /// <summary>Proposes what to do and ask next.</summary>
    public const string ConvoStarter = "convo_starter";

    /// <summary>Sums the repository up.</summary>
    public const string Summarizer = "summarizer";

    /// <summary>Describes the public surface.</summary>
    public const string Documentation = "documentation";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<AgentDescription> All { get; } =
    [
        new(Simplifier, "Finds duplicated and overgrown code and suggests what to simplify, with file and line."),
        new(Tester, "Finds public types that no test names and proposes the tests to write."),
        new(ConvoStarter, "Proposes next actions and questions that follow from what the repository shows."),
        new(Summarizer, "Sums up what the repository is, how it is built and where its parts are."),
        new(Documentation, "Describes the public types and members and what they are for."),
    ];

    /// <summary>The agents of a request that names none.</summary>
    public static IReadOnlyList<string> Default { get; } = [Simplifier, Tester, ConvoStarter, Summarizer];
}
