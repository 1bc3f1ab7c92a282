using System.Text.Json.Serialization;

namespace Agents.Runs;

/// <summary>What an agent or a run consumed. A number nobody reported is null, on the wire too, and never a guess.</summary>
/// <param name="InputTokens">Tokens sent to the model; null when a provider did not report them.</param>
/// <param name="OutputTokens">Tokens the model wrote; null when a provider did not report them.</param>
/// <param name="ToolCalls">Tool calls dispatched.</param>
/// <param name="CostUsd">US dollars; null when a price is not known.</param>
public sealed record RunUsage(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] long? InputTokens,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] long? OutputTokens,
    int ToolCalls,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] decimal? CostUsd)
{
    /// <summary>Nothing consumed.</summary>
    public static RunUsage Zero { get; } = new(0, 0, 0, 0m);

    /// <summary>Both together; known plus unknown is unknown.</summary>
    public static RunUsage operator +(RunUsage left, RunUsage right)
    {
        ArgumentNullException.ThrowIfNull(left);
        return left.Add(right);
    }

    /// <summary>This and <paramref name="other"/> together; known plus unknown is unknown.</summary>
    public RunUsage Add(RunUsage other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new(InputTokens + other.InputTokens, OutputTokens + other.OutputTokens, ToolCalls + other.ToolCalls, CostUsd + other.CostUsd);
    }
}
