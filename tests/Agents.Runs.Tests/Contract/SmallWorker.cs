using System.Text.Json;

namespace Agents.Runs.Tests.Contract;

/// <summary>
/// The worker's protocol in small: one agent that speaks, calls a tool that must not be called twice, and answers. It goes on from the checkpoint
/// as the real one does, and counts how often the tool did its work.
/// </summary>
internal sealed class SmallWorker(RunsInstance runs)
{
    public const string Agent = "tester";
    private const string Asked = "asked";
    private const string Called = "called";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>How often the tool did its work, on all workers.</summary>
    public static AsyncLocal<int[]> Executions { get; } = new();

    public async Task WorkAsync(RunLease lease)
    {
        var run = await runs.GetAsync(lease.RunId);
        var agent = run.Agents.Single();
        if (!agent.IsEnded) await SpeakAsync(lease, agent);
        await runs.Store.EndAsync(lease, RunState.Completed, null, Cancel);
    }

    private async Task SpeakAsync(RunLease lease, AgentExecution agent)
    {
        var at = (await runs.Store.GetCheckpointsAsync(lease.RunId, Cancel)).SingleOrDefault()?.State.GetString();
        var continued = agent.State == AgentState.Running;
        if (!continued) await runs.Store.SaveAsync(lease, new RunChange { Agent = agent with { State = AgentState.Running } }, Cancel);
        if (continued && at != Asked) await runs.Events.AppendAsync(lease, [RunEventDraft.Of(RunEventTypes.TurnReset, Agent, new { Reason = "goes on" })], Cancel);
        if (at is null)
        {
            await SayAsync(lease, "let me look");
            await runs.Store.SaveAsync(lease, new RunChange { Checkpoint = Checkpoint(Asked) }, Cancel);
            at = Asked;
        }

        if (at == Asked) await CallAsync(lease);
        await SayAsync(lease, "the answer");
        await runs.Store.SaveAsync(lease, new RunChange { Agent = agent with { State = AgentState.Completed, StopReason = StopReason.Finished, Result = Sample.Result(Agent) } }, Cancel);
    }

    private async Task CallAsync(RunLease lease)
    {
        var lost = (await runs.Store.ListToolCallsAsync(lease.RunId, Cancel)).SingleOrDefault(call => call.Result is null);
        var number = lost?.Number ?? await runs.Store.BeginToolCallAsync(lease, Sample.Call(), Cancel);
        if (lost is null) Executions.Value![0]++;
        var end = new ToolCallEnd(number, lost is null ? "found" : "outcome unknown", lost is not null, TimeSpan.Zero);
        await runs.Store.SaveAsync(lease, new RunChange { ToolCalls = [end], Checkpoint = Checkpoint(Called) }, Cancel);
    }

    private Task<long> SayAsync(RunLease lease, string text) => runs.Events.AppendAsync(lease, [Sample.Delta(text)], Cancel);

    private static AgentCheckpoint Checkpoint(string at) => new(Agent, JsonSerializer.SerializeToElement(at));
}
