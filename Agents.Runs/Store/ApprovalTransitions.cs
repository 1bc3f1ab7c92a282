namespace Agents.Runs;

/// <summary>The changes of a run that have to do with consent; see <see cref="RunTransitions"/>.</summary>
internal static class ApprovalTransitions
{
    /// <summary>A worker asks for consent; null when it asked for all of it before.</summary>
    public static RunStep? Request(RunStanding run, IReadOnlyList<ApprovalRequest> requests, DateTimeOffset now)
    {
        var added = requests.Where(request => run.Approvals.All(approval => approval.Id != request.Id)).Select(request => new RunApproval
        {
            Id = request.Id,
            Agent = request.Agent,
            Tool = request.Tool,
            Arguments = request.Arguments,
            RequestedAt = now,
        }).ToList();
        return added.Count == 0 ? null : new RunStep(run with { Approvals = [.. run.Approvals, .. added] }, [], [.. added.Select(Announce)]);
    }

    /// <summary>
    /// A worker has nothing left to do but what waits for consent. The run waits without a worker, unless one of the requests was decided
    /// meanwhile: then it is queued again, for nobody else would wake it.
    /// </summary>
    public static RunStep Park(RunStanding run, IReadOnlyList<AgentExecution> agents, IReadOnlyList<string> approvals, DateTimeOffset now)
    {
        if (run.CancelRequested || run.Approvals.Any(approval => approval.State != ApprovalState.Pending && approvals.Contains(approval.Id)))
            return RunTransitions.Requeue(run, agents, "an approval was decided", now);
        return RunTransitions.Announced(
            run with { State = RunState.WaitingApproval, WorkerId = null, LeaseExpires = null }, reason: $"waits for approval of {string.Join(", ", approvals)}");
    }

    /// <summary>Somebody decides. A run that waits is queued again; one that is at work hears it at its next look.</summary>
    /// <returns>The step, null when the decision changes nothing, and what to answer.</returns>
    public static (RunStep? Step, ApprovalAnswer Answer) Decide(
        RunStanding run, IReadOnlyList<AgentExecution> agents, string approvalId, ApprovalDecision decision, DateTimeOffset now)
    {
        if (run.Approvals.FirstOrDefault(approval => approval.Id == approvalId) is not { } found)
            return (null, new(ApprovalOutcome.NotFound, null));
        if (found.State != ApprovalState.Pending)
            return (null, new(ApprovalOutcome.AlreadyDecided, found));
        if (run.State.IsEnded())
            return (null, new(ApprovalOutcome.RunEnded, found));

        var decided = found with
        {
            State = decision.Approve ? ApprovalState.Approved : ApprovalState.Denied,
            Reason = decision.Reason,
            DecidedBy = decision.By,
            DecidedAt = now,
        };
        var after = run with { Approvals = [.. run.Approvals.Select(approval => approval == found ? decided : approval)] };
        var step = run.State == RunState.WaitingApproval
            ? RunTransitions.Requeue(after, agents, "an approval was decided", now)
            : new RunStep(after, [], []) { WasQueued = run.State == RunState.Queued };
        return (step with { Events = [Announce(decided), .. step.Events] }, new(ApprovalOutcome.Decided, decided));
    }

    private static RunEventDraft Announce(RunApproval approval) => RunEventDraft.Of(RunEventTypes.Approval, approval.Agent, new
    {
        approval.Id,
        approval.State,
        approval.Tool,
        approval.Arguments,
        approval.Reason,
        approval.DecidedBy,
    });
}
