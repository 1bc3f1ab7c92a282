using System.Collections.Immutable;
using McpGateway.Protocol;

namespace McpGateway.Calls.Lists;

/// <summary>One of the lists that servers have.</summary>
/// <param name="Index">Its place in <see cref="All"/>.</param>
/// <param name="Method">The method that reads it.</param>
/// <param name="Member">The result's member that holds it.</param>
/// <param name="Key">The member by which an entry is told apart.</param>
/// <param name="Capability">What a server that has it declares.</param>
/// <param name="Change">The notification that it is not what it was.</param>
/// <param name="Noun">One entry, in a sentence.</param>
internal sealed record ListKind(int Index, string Method, string Member, string Key, string Capability, McpMethod Change, string Noun)
{
    public static ListKind Tools { get; } = new(0, McpMethodNames.ToolsList, "tools", "name", "tools", McpMethod.ToolsListChanged, "tool");

    public static ListKind Prompts { get; } = new(1, McpMethodNames.PromptsList, "prompts", "name", "prompts", McpMethod.PromptsListChanged, "prompt");

    public static ListKind Resources { get; } = new(2, McpMethodNames.ResourcesList, "resources", "uri", "resources", McpMethod.ResourcesListChanged, "resource");

    public static ListKind Templates { get; } = new(3, McpMethodNames.ResourceTemplatesList, "resourceTemplates", "uriTemplate", "resources", McpMethod.ResourcesListChanged, "resource template");

    public static ImmutableArray<ListKind> All { get; } = [Tools, Prompts, Resources, Templates];

    /// <summary>True where the aggregate puts the upstream's name before an entry's own.</summary>
    public bool IsNamed => Key == "name";

    /// <summary>The list that a method reads; null for any other method.</summary>
    public static ListKind? ReadBy(McpMethod method) => method switch
    {
        McpMethod.ToolsList => Tools,
        McpMethod.PromptsList => Prompts,
        McpMethod.ResourcesList => Resources,
        McpMethod.ResourceTemplatesList => Templates,
        _ => null,
    };
}
