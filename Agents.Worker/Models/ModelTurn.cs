using Microsoft.Extensions.AI;

namespace Agents.Worker.Models;

/// <summary>One finished answer of the model.</summary>
/// <param name="Text">The whole text; empty when the turn only calls tools.</param>
/// <param name="Calls">Tool calls in the order the model made them.</param>
/// <param name="Usage">As the provider reported it; null when it reported none.</param>
/// <param name="FinishReason"><c>stop</c>, <c>tool_calls</c>, <c>length</c>, <c>content_filter</c> or the server's own word.</param>
internal sealed record ModelTurn(string Text, IReadOnlyList<FunctionCallContent> Calls, UsageDetails? Usage, string FinishReason);

/// <summary>Hears a turn while it is being made.</summary>
internal interface ITurnListener
{
    ValueTask TextAsync(string text, CancellationToken cancellationToken);

    /// <summary>The text of this turn heard so far, if any, is void; the turn starts again.</summary>
    ValueTask ResetAsync(string reason, CancellationToken cancellationToken);
}
