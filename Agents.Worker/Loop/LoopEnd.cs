using Agents.Runs;

namespace Agents.Worker.Loop;

/// <summary>How an agent's loop ended.</summary>
/// <param name="Reason">Why it stopped.</param>
/// <param name="Answer">The model's last answer, its result block included; null when it gave none.</param>
/// <param name="FinishReason">The model's own word for why its answer ended.</param>
internal sealed record LoopEnd(StopReason Reason, string? Answer, string? FinishReason)
{
    /// <summary>What is wrong with the result block after all; null when it fits or none is wanted.</summary>
    public string? Note { get; init; }
}
