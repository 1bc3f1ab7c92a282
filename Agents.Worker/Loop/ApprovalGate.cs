using Agents.Runs;
using Agents.Worker.Runs;
using Agents.Worker.Tools;

namespace Agents.Worker.Loop;

/// <summary>
/// Holds back the calls that the run wants somebody's consent to. What is wanted is in the checkpoint and what was decided in the run's record,
/// so whichever worker comes next finds the same calls behind the same gate.
/// </summary>
internal sealed class ApprovalGate(AgentTask task, AgentJournal journal)
{
    private readonly ToolFilter _filter = new(task.Agent.Tools, task.Run.Tools);

    /// <summary>Marks the calls of a new turn that need consent.</summary>
    /// <param name="calls">The calls as the model made them.</param>
    /// <param name="turn">The turn's number among the agent's, from 1: with the call's it names the request, on every worker alike.</param>
    public void Mark(IReadOnlyList<ToolRequest> calls, int turn)
    {
        foreach (var (index, call) in calls.Index().Where(call => call.Item.Result is null && _filter.NeedsApproval(call.Item.Tool)))
            call.ApprovalId = FormattableString.Invariant($"{task.Agent.Name}-{turn}-{index + 1}");
    }

    /// <summary>Asks for consent where it was not asked yet, and ends the calls that were denied.</summary>
    /// <returns>The calls that may be made now.</returns>
    public async Task<IReadOnlyList<ToolRequest>> AdmitAsync(IReadOnlyList<ToolRequest> open, CancellationToken cancellationToken)
    {
        if (open.All(call => call.ApprovalId is null)) return open;
        var approvals = await journal.RequestApprovalsAsync([.. open.Where(call => call.ApprovalId is not null)], cancellationToken).ConfigureAwait(false);
        var states = approvals.ToDictionary(approval => approval.Id);
        foreach (var call in open)
        {
            if (call.ApprovalId is { } id && states[id] is { State: ApprovalState.Denied } denied) Deny(call, denied);
        }

        return [.. open.Where(call => call.ApprovalId is not { } id || states[id].State == ApprovalState.Approved)];
    }

    private static void Deny(ToolRequest call, RunApproval denied)
    {
        var reason = string.IsNullOrWhiteSpace(denied.Reason) ? "" : $" They say: {denied.Reason}";
        call.Result = $"A person refused this call. It was not made.{reason}";
        call.IsError = true;
        call.Dispatched = false;
    }
}
