namespace Agents.Worker.Loop;

/// <summary>What an agent has used of its budget; part of its checkpoint, so that another worker counts on.</summary>
internal sealed record BudgetUse
{
    public int ToolCalls { get; init; }
    public int SearchCalls { get; init; }
    public int QaCalls { get; init; }
    public int EntityCalls { get; init; }

    /// <summary>Turns with tool calls.</summary>
    public int Depth { get; init; }

    public long InputTokens { get; init; }
    public long OutputTokens { get; init; }

    /// <summary>Whether the model was told that 70 % are used.</summary>
    public bool Noticed { get; init; }
}
