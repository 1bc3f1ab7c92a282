using System.Text.Json;
using Agents.Runs;

namespace Agents.Api.Webhooks;

/// <summary>What is sent, in the form that Standard Webhooks advises. Results are not in it; the receiver reads the run.</summary>
/// <param name="Type"><c>run.</c> and the run's state.</param>
/// <param name="Timestamp">When that became so.</param>
/// <param name="Data">The run in short.</param>
internal sealed record WebhookMessage(string Type, DateTimeOffset Timestamp, WebhookRun Data)
{
    /// <summary>The body about a run; null when the run has gone on since, and there is nothing left to tell.</summary>
    public static byte[]? BodyOf(WebhookDelivery delivery, AgentRun run)
    {
        var due = delivery.TellsOfEnd ? run.State.IsEnded() : run.State == RunState.WaitingApproval;
        if (!due)
            return null;
        var since = run.EndedAt ?? run.Approvals!.Max(approval => approval.RequestedAt);
        return JsonSerializer.SerializeToUtf8Bytes(new WebhookMessage($"run.{RunsJson.Word(run.State)}", since, WebhookRun.Of(run)), RunsJson.Options);
    }
}

/// <summary>A run in short.</summary>
/// <param name="Id">The run; GET /api/v1/runs/{id} has all of it.</param>
/// <param name="State">Where it stands.</param>
/// <param name="Repository">The repository's name.</param>
/// <param name="ConversationId">The conversation, if it belongs to one.</param>
/// <param name="Metadata">The client's own labels.</param>
/// <param name="Agents">How each agent ended.</param>
/// <param name="Approvals">The calls that wait for approval.</param>
/// <param name="Usage">What all agents consumed together.</param>
/// <param name="Error">Why it failed.</param>
internal sealed record WebhookRun(
    string Id, RunState State, string Repository, string? ConversationId, IReadOnlyDictionary<string, string>? Metadata, IReadOnlyList<WebhookAgent> Agents,
    IReadOnlyList<RunApproval>? Approvals, RunUsage Usage, string? Error)
{
    public static WebhookRun Of(AgentRun run) => new(
        run.Id, run.State, run.Repository, run.ConversationId, run.Metadata,
        [.. run.Agents.Select(agent => new WebhookAgent(agent.Name, agent.State, agent.StopReason))],
        run.State == RunState.WaitingApproval ? [.. run.Approvals!.Where(approval => approval.State == ApprovalState.Pending)] : null,
        run.Usage, run.Error);
}

/// <summary>An agent in short.</summary>
/// <param name="Name">The agent.</param>
/// <param name="State">Where it stands.</param>
/// <param name="StopReason">Why it stopped.</param>
internal sealed record WebhookAgent(string Name, AgentState State, StopReason? StopReason);
