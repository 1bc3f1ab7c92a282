namespace Agents.Worker.Loop;

/// <summary>Tools with a limit of their own.</summary>
internal enum ToolKind
{
    Other,
    Search,
    Qa,
    Entity,
}

/// <summary>Tools are named <c>upstream__tool</c> by the gateway; what a tool is follows from the part behind the prefix.</summary>
internal static class ToolNames
{
    private const string Separator = "__";

    /// <summary>The name as its own server has it.</summary>
    public static string Bare(string tool)
    {
        var at = tool.IndexOf(Separator, StringComparison.Ordinal);
        return at < 0 ? tool : tool[(at + Separator.Length)..];
    }

    public static ToolKind Kind(string tool) => Bare(tool) switch
    {
        "find_entities" or "get_entity_relationships" => ToolKind.Entity,
        var name when name.StartsWith("search", StringComparison.Ordinal) => ToolKind.Search,
        var name when name.StartsWith("qa_", StringComparison.Ordinal) => ToolKind.Qa,
        _ => ToolKind.Other,
    };
}
