using Agents.Runs;

namespace Agents.Api.Submit;

/// <summary>The answer of <c>/execute</c>.</summary>
/// <param name="Status"><c>started</c>, or the state the run ended in.</param>
/// <param name="SessionId">The run's id; /session/{id} and /api/v1/runs/{id} know it.</param>
/// <param name="AgentCount">How many agents were asked.</param>
/// <param name="Results">Each agent's result by its name; left out while they work.</param>
/// <param name="Agents">How each agent ended: state, stop reason, usage; left out while they work.</param>
/// <param name="Usage">What all agents consumed together; left out while they work.</param>
/// <param name="Message">What happened, in a sentence.</param>
internal sealed record ExecuteAnswer(
    string Status, string SessionId, int AgentCount, IReadOnlyDictionary<string, AgentResult>? Results,
    IReadOnlyList<AgentExecution>? Agents, RunUsage? Usage, string Message)
{
    public static ExecuteAnswer Of(AgentRun run) => run.State.IsEnded()
        ? new(RunsJson.Word(run.State), run.Id, run.Agents.Count, SessionAnswer.ResultsOf(run), SessionAnswer.StandingsOf(run), run.Usage, Sentence(run))
        : new("started", run.Id, run.Agents.Count, null, null, null, $"The agents are at work; GET /api/v1/agents/session/{run.Id} tells how far they are.");

    private static string Sentence(AgentRun run)
    {
        var completed = run.Agents.Count(agent => agent.State == AgentState.Completed);
        var sentence = $"{completed} of {run.Agents.Count} agents completed.";
        var degraded = run.Agents.Where(agent => agent is { State: AgentState.Completed, Degraded: true }).ToList();
        if (degraded.Count > 0) sentence += $" {degraded.Count} without all their tools: {degraded[0].DegradedReason}";
        return run.Error is null ? sentence : $"{sentence} {run.Error}";
    }
}

/// <summary>The answer of <c>/execute/single</c> without streaming.</summary>
/// <param name="Status"><c>started</c>, or the state the run ended in.</param>
/// <param name="SessionId">The run's id.</param>
/// <param name="AgentType">The agent that was asked.</param>
/// <param name="Result">Its result; left out while it works.</param>
/// <param name="Agent">How it ended; left out while it works.</param>
/// <param name="Message">What happened, in a sentence.</param>
internal sealed record SingleAnswer(string Status, string SessionId, string AgentType, AgentResult? Result, AgentExecution? Agent, string Message)
{
    public static SingleAnswer Of(AgentRun run)
    {
        var answer = ExecuteAnswer.Of(run);
        var agent = run.Agents[0].Name;
        return new(answer.Status, run.Id, agent, answer.Results?[agent], answer.Agents?[0], answer.Message);
    }
}

/// <summary>The answer of <c>/session/{id}</c>.</summary>
/// <param name="Status"><c>running</c> until the end (waiting for a worker included), then the state the run ended in.</param>
/// <param name="SessionId">The run's id.</param>
/// <param name="Results">Each agent's result by its name, once the run ended.</param>
/// <param name="Agents">How each agent stands.</param>
/// <param name="Error">Why the run failed.</param>
/// <param name="Progress">How far the agents are.</param>
internal sealed record SessionAnswer(
    string Status, string SessionId, IReadOnlyDictionary<string, AgentResult>? Results, IReadOnlyList<AgentExecution> Agents, string? Error, SessionProgress Progress)
{
    public static SessionAnswer Of(AgentRun run)
    {
        var ended = run.Agents.Count(agent => agent.State >= AgentState.Completed);
        return new(
            run.State.IsEnded() ? RunsJson.Word(run.State) : "running",
            run.Id,
            run.State.IsEnded() ? ResultsOf(run) : null,
            StandingsOf(run),
            run.Error,
            new SessionProgress(run.Agents.Count, ended, 100 * ended / run.Agents.Count));
    }

    /// <summary>The agents without their results, which have a place of their own in these answers.</summary>
    public static List<AgentExecution> StandingsOf(AgentRun run) => [.. run.Agents.Select(agent => agent with { Result = null })];

    /// <summary>Results by agent. One that gave none is in it too and says why, so that a client never finds a hole where it asked for something.</summary>
    public static Dictionary<string, AgentResult> ResultsOf(AgentRun run) => run.Agents.ToDictionary(agent => agent.Name, agent => agent.Result ?? new AgentResult
    {
        AgentType = agent.Name,
        Content = $"No answer: {agent.Error ?? $"the agent was {RunsJson.Word(agent.State)}."}",
    });
}

/// <summary>How far a session is.</summary>
/// <param name="TotalAgents">How many agents were asked.</param>
/// <param name="CompletedAgents">How many have ended, with or without a result.</param>
/// <param name="Percentage">0 to 100.</param>
internal sealed record SessionProgress(int TotalAgents, int CompletedAgents, int Percentage);

/// <summary>The answer to <c>DELETE /session/{id}</c>.</summary>
/// <param name="Status"><c>cancelled</c>; <c>cancelling</c> when its worker has not stopped yet; the final state when it had ended before.</param>
/// <param name="SessionId">The run's id.</param>
internal sealed record CancelAnswer(string Status, string SessionId);
