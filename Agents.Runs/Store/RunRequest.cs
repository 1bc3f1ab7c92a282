using System.Text.Json;

namespace Agents.Runs;

/// <summary>What a client asked for: the part of a run that never changes, as the stores keep it.</summary>
internal sealed record RunRequest(
    string Repository,
    string Query,
    JsonElement? Context,
    RunInput? Input,
    RunBudget Budget,
    RunTools? Tools,
    string? ConversationId,
    IReadOnlyDictionary<string, string>? Metadata,
    string? TraceParent,
    string? Owner = null,
    RunWebhook? Webhook = null)
{
    public static RunRequest Of(AgentRun run) => new(
        run.Repository, run.Query, run.Context, run.Input, run.Budget, run.Tools, run.ConversationId, run.Metadata, run.TraceParent, run.Owner, run.Webhook);

    public AgentRun ToRun(RunStanding standing, DateTimeOffset createdAt, IReadOnlyList<AgentExecution> agents) => new()
    {
        Id = standing.Id,
        State = standing.State,
        Repository = Repository,
        Query = Query,
        Agents = agents,
        Context = Context,
        Input = Input,
        Budget = Budget,
        Tools = Tools,
        ConversationId = ConversationId,
        Metadata = Metadata,
        TraceParent = TraceParent,
        Owner = Owner,
        Webhook = Webhook,
        CreatedAt = createdAt,
        StartedAt = standing.StartedAt,
        EndedAt = standing.EndedAt,
        Attempt = standing.Attempt,
        FailedAttempts = standing.FailedAttempts,
        CancelRequested = standing.CancelRequested,
        Error = standing.Error,
        Approvals = standing.Approvals.Count == 0 ? null : standing.Approvals,
    };
}
