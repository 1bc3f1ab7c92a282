using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;

namespace Agents.Api.Tests.Hosting;

/// <summary>
/// A worker that plays by the queue's rules but asks no model. What it does is told by the question's first word:
/// <c>manual</c> leaves the run to the test, <c>hold</c> works until it is cancelled, <c>break</c> lets the first agent fail; anything else completes.
/// </summary>
internal sealed class ScriptedWorker : IAsyncDisposable
{
    public const string ToolResult = "src/parser.cs:12: TODO";

    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource<RunLease>> _taken = new();
    private readonly Task _loop;

    public ScriptedWorker(IServiceProvider services)
    {
        Store = services.GetRequiredService<IRunStore>();
        Queue = services.GetRequiredService<IRunQueue>();
        Events = services.GetRequiredService<IRunEvents>();
        _loop = LoopAsync();
    }

    public IRunStore Store { get; }

    public IRunQueue Queue { get; }

    public IRunEvents Events { get; }

    /// <summary>The lease of a run, once this worker took it.</summary>
    public Task<RunLease> TakenAsync(string runId) =>
        Taken(runId).Task.WaitAsync(Eventually.Patience, TimeProvider.System, TestContext.Current.CancellationToken);

    public Task SayAsync(RunLease lease, string text) =>
        Events.AppendAsync(lease, [RunEventDraft.Of(RunEventTypes.TextDelta, "tester", new { Text = text })], CancellationToken.None);

    public async Task CompleteAsync(RunLease lease)
    {
        var run = (await Store.GetAsync(lease.RunId, CancellationToken.None))!;
        foreach (var agent in run.Agents)
            await Store.SaveAsync(lease, new RunChange { Agent = Completed(agent) }, CancellationToken.None);
        await Store.EndAsync(lease, RunState.Completed, null, CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => _loop);
        _stop.Dispose();
    }

    private async Task LoopAsync()
    {
        while (true)
        {
            var lease = await Queue.ClaimAsync("scripted", _stop.Token);
            _ = WorkAsync(lease);
        }
    }

    private async Task WorkAsync(RunLease lease)
    {
        var run = (await Store.GetAsync(lease.RunId, _stop.Token))!;
        switch (run.Query.Split(' ')[0])
        {
            case "manual":
                break;
            case "hold":
                Taken(lease.RunId).TrySetResult(lease);
                if (await Queue.WatchAsync(lease, _stop.Token) == LeaseSignal.CancelRequested)
                    await Store.EndAsync(lease, RunState.Cancelled, null, _stop.Token);
                return;
            default:
                await PlayAsync(lease, run);
                break;
        }

        Taken(lease.RunId).TrySetResult(lease);
    }

    private async Task PlayAsync(RunLease lease, AgentRun run)
    {
        var agents = new List<AgentExecution>();
        foreach (var agent in run.Agents)
        {
            await Store.SaveAsync(lease, new RunChange { Agent = agent with { State = AgentState.Running } }, _stop.Token);
            var number = await Store.BeginToolCallAsync(lease, new ToolCallStart(agent.Name, "search_code", Json("""{"query":"TODO"}""")), _stop.Token);
            var broken = run.Query.StartsWith("break", StringComparison.Ordinal) && agents.Count == 0;
            agents.Add(broken ? agent with { State = AgentState.Failed, StopReason = StopReason.Error, Error = "the model refused" } : Completed(agent));
            await Store.SaveAsync(lease, new RunChange
            {
                ToolCalls = [new ToolCallEnd(number, ToolResult, false, TimeSpan.FromMilliseconds(3))],
                Agent = agents[^1],
                Events = [RunEventDraft.Of(RunEventTypes.TextDelta, agent.Name, new { Text = "Merge the two\nparsers – <b>really</b>." })],
            }, _stop.Token);
        }

        await Store.EndAsync(lease, RunStates.Conclude(agents), null, _stop.Token);
    }

    private static AgentExecution Completed(AgentExecution agent) => agent with
    {
        State = AgentState.Completed,
        StopReason = StopReason.Finished,
        Usage = new RunUsage(100, 20, 1, null),
        Result = new AgentResult { AgentType = agent.Name, Content = "Merge the two parsers.", Sources = ["src/parser.cs:12"], NextActions = ["merge"] },
    };

    private TaskCompletionSource<RunLease> Taken(string runId) =>
        _taken.GetOrAdd(runId, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));

    private static JsonElement Json(string json) => JsonSerializer.Deserialize<JsonElement>(json);
}
