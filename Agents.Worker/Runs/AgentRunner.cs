using System.Diagnostics;
using System.Text.Json;
using Agents.Runs;
using Agents.Worker.Agents;
using Agents.Worker.Loop;
using Agents.Worker.Models;
using Agents.Worker.Tools;
using Microsoft.Extensions.Options;

namespace Agents.Worker.Runs;

/// <summary>Runs one agent of a run from its checkpoint to its end, and writes how it ended. What goes wrong in it stays in it.</summary>
internal sealed partial class AgentRunner(
    IRunStore store,
    IRunEvents events,
    AgentSource agents,
    ModelTurns turns,
    GatewayTools gateway,
    IOptions<ModelOptions> model,
    IOptions<ToolOptions> tools,
    IOptions<LoopOptions> loop,
    TimeProvider time,
    ILogger<AgentRunner> logger)
{
    /// <summary>Runs the agent.</summary>
    /// <returns>The agent in its final state; null when it stopped because of <paramref name="draining"/> or waits for consent.</returns>
    /// <exception cref="LeaseLostException">The run is another worker's now.</exception>
    /// <exception cref="RunStoreUnavailableException">What the agent did could not be written: that is no fault of the agent.</exception>
    /// <exception cref="OperationCanceledException">Nothing more was written.</exception>
    public async Task<AgentExecution?> RunAsync(
        RunWork work, LeaseKeeper keeper, AgentExecution agent, AgentProgress progress, CancellationToken draining, CancellationToken cancellationToken)
    {
        var run = work.Run;
        await using var journal = new AgentJournal(store, events, keeper, agent.Name, progress.HasSpoken, time);
        var underWay = agent.State == AgentState.Running ? await UnderWayAsync(run, agent, cancellationToken).ConfigureAwait(false) : null;
        agent = agent with { State = AgentState.Running, StartedAt = agent.StartedAt ?? time.GetUtcNow() };
        AgentExecution? ended;
        try
        {
            var definition = await agents.FindAsync(agent, cancellationToken).ConfigureAwait(false);
            agent = agent with { Version = definition.Version };
            await journal.StateAsync(agent, cancellationToken).ConfigureAwait(false);
            var task = new AgentTask(work, definition, progress, tools.Value.MaxResultBytes, model.Value.EffectivePrice) { UnderWay = underWay };
            ended = await RunAsync(task, agent, journal, draining, cancellationToken).ConfigureAwait(false);
        }
        catch (AgentDefinitionException unusable)
        {
            ended = Fail(agent, unusable.Message);
        }

        if (ended is null) return null;
        ended = ended with { EndedAt = time.GetUtcNow() };
        await journal.StateAsync(ended, cancellationToken).ConfigureAwait(false);
        return ended;
    }

    private async Task<AgentExecution?> RunAsync(
        AgentTask task, AgentExecution agent, AgentJournal journal, CancellationToken draining, CancellationToken cancellationToken)
    {
        var (run, definition, progress) = (task.Run, task.Agent, task.Progress);
        using var activity = Start(task);
        var started = time.GetTimestamp();
        try
        {
            await using var agentTools = gateway.For($"{run.Id}/{agent.Name}", new ToolFilter(definition.Tools, run.Tools));
            var agentLoop = new AgentLoop(task, turns, agentTools, journal, loop.Value, time);
            var end = await agentLoop.RunAsync(draining, cancellationToken).ConfigureAwait(false);
            return end is null ? null : Complete(agent, task, end);
        }
        catch (Exception error) when (error is not (LeaseLostException or RunStoreUnavailableException) && !cancellationToken.IsCancellationRequested)
        {
            activity.Fail(error);
            LogFailed(error, agent.Name, run.Id);
            var message = error is ModelException ? error.Message : $"{error.GetType().Name}: {error.Message}";
            return Fail(agent, message) with { Usage = task.Usage };
        }
        finally
        {
            activity?.SetTag(GenAi.InputTokens, progress.InputTokens).SetTag(GenAi.OutputTokens, progress.OutputTokens);
            WorkerTelemetry.OperationDuration.Record(
                time.GetElapsedTime(started).TotalSeconds,
                new TagList { { GenAi.OperationName, GenAi.InvokeAgent }, { GenAi.AgentName, agent.Name } });
        }
    }

    private async Task<IReadOnlyList<ToolCallRecord>> UnderWayAsync(AgentRun run, AgentExecution agent, CancellationToken cancellationToken)
    {
        var calls = await store.ListToolCallsAsync(run.Id, cancellationToken).ConfigureAwait(false);
        return [.. calls.Where(call => call.Agent == agent.Name && call.Result is null)];
    }

    private Activity? Start(AgentTask task)
    {
        var activity = WorkerTelemetry.Source.StartActivity($"{GenAi.InvokeAgent} {task.Agent.Name}");
        return activity?.SetTag(GenAi.OperationName, GenAi.InvokeAgent).SetTag(GenAi.ProviderName, model.Value.EffectiveProvider)
            .SetTag(GenAi.AgentName, task.Agent.Name).SetTag(GenAi.AgentDescription, task.Agent.Description)
            .SetTag(GenAi.RequestModel, model.Value.EffectiveModel).SetTag(GenAi.ConversationId, task.Run.ConversationId);
    }

    private AgentExecution Complete(AgentExecution agent, AgentTask task, LoopEnd end)
    {
        var progress = task.Progress;
        var degraded = agent with { Usage = task.Usage, Degraded = progress.DegradedReason is not null, DegradedReason = progress.DegradedReason };
        if (end.Answer is null) return Fail(degraded, $"The model gave an empty answer (stop reason: {RunsJson.Word(end.Reason)}).", end.Reason);

        // An agent that meant to use tools and never could has answered without them, and must say so.
        var helpless = end.Reason == StopReason.Finished && degraded.Degraded && !progress.Calls.Any(call => call.Worked);
        var answer = AgentAnswer.Read(end.Answer, task.Agent.Output);
        var shown = answer.Content + '\n' + answer.Field?.GetRawText();
        return degraded with
        {
            State = AgentState.Completed,
            StopReason = helpless ? StopReason.McpUnavailable : end.Reason,
            Result = answer.ToResult(task.Agent, Metadata(task, end, answer), ToolSources.Of(progress.Calls, shown)),
        };
    }

    private Dictionary<string, JsonElement> Metadata(AgentTask task, LoopEnd end, AgentAnswer answer)
    {
        var facts = new Dictionary<string, object?>
        {
            ["model"] = model.Value.EffectiveModel,
            ["mode"] = model.Value.EffectiveProvider,
            ["turns"] = task.Progress.Turns.Count + 1,
            ["tool_calls"] = task.Progress.Calls.Count(call => call.Dispatched),
            ["tool_errors"] = task.Progress.Calls.Count(call => call.Dispatched && call.IsError),
            ["degraded_reason"] = task.Progress.DegradedReason,
            ["note"] = Note(end, answer),
        };
        return facts.Where(fact => fact.Value is not null).ToDictionary(fact => fact.Key, fact => JsonSerializer.SerializeToElement(fact.Value, RunsJson.Options));
    }

    private static string? Note(LoopEnd end, AgentAnswer answer)
    {
        var notes = new[]
        {
            end.FinishReason is "length" ? "The model's answer was cut off at its length limit." : null,
            end.FinishReason is "content_filter" ? "The model's answer was cut off by a content filter." : null,
            end.Note ?? (answer.Problem is { } problem ? $"The structured result is missing: {problem}." : null),
        };
        var text = string.Join(' ', notes.Where(note => note is not null));
        return text.Length == 0 ? null : text;
    }

    private static AgentExecution Fail(AgentExecution agent, string error, StopReason reason = StopReason.Error) => agent with
    {
        State = AgentState.Failed,
        StopReason = reason == StopReason.Finished ? StopReason.Error : reason,
        Error = error,
    };

    [LoggerMessage(LogLevel.Error, "Agent {Agent} of {Run} failed")]
    private partial void LogFailed(Exception error, string agent, string run);
}
