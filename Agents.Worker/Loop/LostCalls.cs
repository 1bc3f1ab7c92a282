using Agents.Runs;
using Agents.Worker.Runs;
using Agents.Worker.Tools;

namespace Agents.Worker.Loop;

/// <summary>The calls that another worker began and never ended, as whoever goes on finds them.</summary>
internal static class LostCalls
{
    private const string Unknown = "The worker was lost during this call. Whether it did its work is unknown";

    /// <summary>
    /// Decides which of them are made again: those that do no harm. The others end as unknown for the model. In the record of the run each gets an
    /// end, so that every tool.call has its tool.result.
    /// </summary>
    public static async Task EndAsync(AgentTask task, AgentTools tools, AgentJournal journal, CancellationToken cancellationToken)
    {
        foreach (var open in task.Progress.Open.Where(call => task.WasUnderWay(call) && !tools.IsRepeatable(call.Tool)))
        {
            open.Result = $"{Unknown}; check before you repeat it.";
            open.IsError = true;
        }

        if (task.UnderWay is not { Count: > 0 } lost) return;
        var ends = lost.Select(call => new ToolCallEnd(
            call.Number, tools.IsRepeatable(call.Tool) ? "The worker was lost during this call; it is made again." : $"{Unknown}.", IsError: true, TimeSpan.Zero));
        await journal.CallsLostAsync([.. ends], task.Progress, cancellationToken).ConfigureAwait(false);
    }
}
