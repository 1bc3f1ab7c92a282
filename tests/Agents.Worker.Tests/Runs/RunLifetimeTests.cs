using System.Diagnostics;
using Agents.Runs;
using Agents.Worker.Tests.Loop;
using Agents.Worker.Tests.Tools;
using Microsoft.Extensions.AI;
using ModelContextProtocol.Protocol;
using static Agents.Worker.Tests.Loop.ScriptedChatClient;

namespace Agents.Worker.Tests.Runs;

public sealed class RunLifetimeTests : IDisposable
{
    private const string Answer = "Done.\n```result\n{\"next_actions\": []}\n```";

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(1.5);

    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task Cancel_StopsModelAndToolsWithinASecond()
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, HangAsync);
        var model = new ScriptedChatClient(request => request.Agent == BuiltInAgents.Tester ? [Text("never")] : [Call("repository__repo_get_info")]);
        model.Before = async (request, cancellationToken) =>
        {
            if (request.Agent != BuiltInAgents.Tester) return;
            await using var _ = cancellationToken.Register(() => stopped.TrySetResult());
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        };
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, gateway.Endpoint, model);
        var id = await worker.SubmitAsync("q", [BuiltInAgents.Tester, BuiltInAgents.ConvoStarter]);
        await Eventually.HoldsAsync(() => !gateway.Calls.IsEmpty && model.Requests.Count == 2);

        var asked = TimeProvider.System.GetTimestamp();
        await worker.Store.RequestCancelAsync(id, CancellationToken.None);
        var run = await worker.EndOfAsync(id);

        TimeProvider.System.GetElapsedTime(asked).ShouldBeLessThan(Soon);
        await stopped.Task.WaitAsync(Soon, TimeProvider.System, TestContext.Current.CancellationToken);
        run.State.ShouldBe(RunState.Cancelled);
        run.Agents.ShouldAllBe(agent => agent.State == AgentState.Cancelled && agent.StopReason == StopReason.Cancelled);
    }

    [Fact]
    public async Task Cancel_LeavesWhatAnAgentFinished()
    {
        var model = new ScriptedChatClient(_ => [Text(Answer)]);
        model.Before = (request, cancellationToken) =>
            request.Agent == BuiltInAgents.Tester ? Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken) : Task.CompletedTask;
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, null, model);
        var id = await worker.SubmitAsync("q", [BuiltInAgents.Tester, BuiltInAgents.ConvoStarter]);
        await Eventually.SeesAsync(() => worker.Store.GetAsync(id, CancellationToken.None), run => run!.Agents[1].State == AgentState.Completed);

        await worker.Store.RequestCancelAsync(id, CancellationToken.None);

        var run = await worker.EndOfAsync(id);
        run.Agents[0].State.ShouldBe(AgentState.Cancelled);
        run.Agents[1].State.ShouldBe(AgentState.Completed);
        run.Agents[1].Result.ShouldNotBeNull();
    }

    [Fact]
    public async Task Run_IsCompletedPartial_WhenOneAgentFails()
    {
        var model = new ScriptedChatClient(request => request.Agent == BuiltInAgents.Tester ? throw new InvalidOperationException("broken agent") : [Text(Answer)]);
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, null, model);

        var run = await worker.RunAsync("q", [BuiltInAgents.Tester, BuiltInAgents.ConvoStarter, "nobody"]);

        run.State.ShouldBe(RunState.CompletedPartial);
        run.Agents[0].Error.ShouldNotBeNull().ShouldContain("broken agent");
        run.Agents[1].State.ShouldBe(AgentState.Completed);
        run.Agents[2].Error.ShouldNotBeNull().ShouldContain("There is no agent 'nobody'. There are: convo_starter, documentation");
    }

    [Fact]
    public async Task Worker_WritesNothingMore_WhenItsLeaseIsLost()
    {
        var went = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var model = new ScriptedChatClient(_ => [Text(Answer)]);
        model.Before = async (_, cancellationToken) =>
        {
            went.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        };
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, null, model);
        var id = await worker.SubmitAsync("q", [BuiltInAgents.ConvoStarter]);
        await went.Task.WaitAsync(Eventually.Patience, TimeProvider.System, TestContext.Current.CancellationToken);

        // Somebody with the same lease gives the attempt up; the run is queued, and this worker's next attempt takes it again.
        var run = await worker.Store.GetAsync(id, CancellationToken.None);
        await worker.Queue.AbandonAsync(new RunLease(id, "", run!.Attempt, default), "taken away", CancellationToken.None);

        await Eventually.HoldsAsync(() => model.Requests.Count == 2);
        var events = await worker.EventsOfAsync(id);
        events.Select(e => e.Sequence).ShouldBe(Enumerable.Range(1, events.Count).Select(i => (long)i));
        events.ShouldNotContain(e => e.Type == RunEventTypes.RunEnd);
        (await worker.Store.GetAsync(id, CancellationToken.None))!.Attempt.ShouldBe(2);
        await worker.Store.RequestCancelAsync(id, CancellationToken.None);
        (await worker.EndOfAsync(id)).State.ShouldBe(RunState.Cancelled);
    }

    [Fact]
    public async Task Stop_HandsTheRunBack_AndAnotherWorkerGoesOnWithoutRepeatingAnything()
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, async (call, cancellationToken) =>
        {
            asked.TrySetResult();
            await release.Task.WaitAsync(cancellationToken);
            return await RepositoryAnswers.Answer(call, cancellationToken);
        });
        var script = (Request request) => request.Results.Count == 0
            ? (IEnumerable<ChatResponseUpdate>)[Text("Looking. "), Call("repository__repo_get_info"), Call("repository__find_untested"), Usage(5, 5)]
            : [Text(Answer), Usage(7, 7)];
        var first = new ScriptedChatClient(script);
        var second = new ScriptedChatClient(script);
        var one = await WorkerHost.StartAsync(_directory.FullPath, gateway.Endpoint, first);
        var id = await one.SubmitAsync("q", [BuiltInAgents.ConvoStarter]);
        await asked.Task.WaitAsync(Eventually.Patience, TimeProvider.System, TestContext.Current.CancellationToken);

        var stopping = one.StopAsync();
        release.SetResult();
        await stopping;
        await one.DisposeAsync();
        await using var two = await WorkerHost.StartAsync(_directory.FullPath, gateway.Endpoint, second);

        var run = await two.EndOfAsync(id);
        run.State.ShouldBe(RunState.Completed);
        run.Attempt.ShouldBe(2);
        run.FailedAttempts.ShouldBe(0, "a hand-back costs no attempt");
        gateway.Calls.Count.ShouldBe(2, "no finished call is made again");
        first.Requests.Count.ShouldBe(1, "the turn in hand is finished, no other begun");
        second.Requests.Count.ShouldBe(1);
        run.Agents[0].Usage.ShouldBe(new RunUsage(12, 12, 2, null));
        (await two.TextOfAsync(id, BuiltInAgents.ConvoStarter)).ShouldBe("Looking. \n\nDone.\n", "another worker's turn is another paragraph too");
    }

    [Fact]
    public async Task Stop_CutsOffWhatTakesTooLong_AndHandsTheRunBack()
    {
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, HangAsync);
        var model = new ScriptedChatClient(_ => [Call("repository__repo_get_info")]);
        var worker = await WorkerHost.StartAsync(_directory.FullPath, gateway.Endpoint, model, new Dictionary<string, string?> { ["Worker:DrainTime"] = "00:00:00.2" });
        var id = await worker.SubmitAsync("q", [BuiltInAgents.ConvoStarter]);
        await Eventually.HoldsAsync(() => !gateway.Calls.IsEmpty);

        await worker.StopAsync().WaitAsync(TimeSpan.FromSeconds(10), TimeProvider.System, TestContext.Current.CancellationToken);

        var run = (await worker.Store.GetAsync(id, CancellationToken.None))!;
        run.State.ShouldBe(RunState.Queued);
        run.FailedAttempts.ShouldBe(0);
        await worker.DisposeAsync();
    }

    [Fact]
    public async Task Crash_LosesNoFinishedCall_AndRepeatsOnlyWhatWasUnderWay()
    {
        var hang = true;
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, async (call, cancellationToken) =>
            hang && call.Bare == "find_untested" ? await HangAsync(call, cancellationToken) : await RepositoryAnswers.Answer(call, cancellationToken));
        var script = (Request request) => request.Results.Count == 0
            ? (IEnumerable<ChatResponseUpdate>)[Call("repository__repo_get_info"), Call("repository__find_untested")]
            : [Text(Answer)];
        var one = await WorkerHost.StartAsync(_directory.FullPath, gateway.Endpoint, new ScriptedChatClient(script), new Dictionary<string, string?> { ["Worker:DrainTime"] = "00:00:00" });
        var id = await one.SubmitAsync("q", [BuiltInAgents.ConvoStarter]);
        await Eventually.SeesAsync(() => one.Store.ListToolCallsAsync(id, CancellationToken.None), calls => calls.Count == 2 && calls.Count(c => c.Result is not null) == 1);
        await Eventually.HoldsAsync(() => gateway.Calls.Any(call => call.Bare == "find_untested"));

        // The worker is cut off without having written anything more, as if it had been killed.
        await one.DisposeAsync();
        hang = false;
        var second = new ScriptedChatClient(script);
        await using var two = await WorkerHost.StartAsync(_directory.FullPath, gateway.Endpoint, second);

        var run = await two.EndOfAsync(id);
        run.State.ShouldBe(RunState.Completed);
        gateway.Calls.Count(call => call.Bare == "repo_get_info").ShouldBe(1);
        gateway.Calls.Count(call => call.Bare == "find_untested").ShouldBe(2, "it only reads");
        second.Requests.Count.ShouldBe(1);
        second.Requests.Single().Results.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Agents_AreBoundedPerRun()
    {
        var working = 0;
        var most = 0;
        var model = new ScriptedChatClient(_ => [Text(Answer)]);
        model.Before = async (_, cancellationToken) =>
        {
            most = Math.Max(most, Interlocked.Increment(ref working));
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, cancellationToken);
            Interlocked.Decrement(ref working);
        };
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, null, model, new Dictionary<string, string?> { ["Worker:MaxAgentsPerRun"] = "2" });

        var run = await worker.RunAsync("q", [.. BuiltInAgents.All.Select(a => a.Name)]);

        run.State.ShouldBe(RunState.Completed);
        most.ShouldBe(2);
    }

    [Fact]
    public async Task Calls_CarryAffinityAndTheRunsTrace()
    {
        var spans = new List<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "Agents.Worker" or "Experimental.ModelContextProtocol",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity =>
            {
                lock (spans) spans.Add(activity);
            },
        };
        ActivitySource.AddActivityListener(listener);
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, RepositoryAnswers.Answer);
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, gateway.Endpoint);
        var id = await worker.SubmitAsync("q", [BuiltInAgents.Summarizer]);
        await worker.EndOfAsync(id);

        gateway.Calls.ShouldAllBe(call => call.Affinity == $"{id}/summarizer");
        gateway.Methods.ShouldNotContain("initialize", "the gateway speaks the stateless revision");
        List<Activity> mine;
        lock (spans) mine = [.. spans];
        var workflow = mine.Single(s => s.OperationName == "invoke_workflow run" && (string?)s.GetTagItem("agents.run.id") == id);
        mine = [.. mine.Where(s => s.TraceId == workflow.TraceId)];
        var agent = mine.Single(s => s.OperationName == "invoke_agent summarizer");
        agent.ParentSpanId.ShouldBe(workflow.SpanId);
        mine.Count(s => s.OperationName == "chat offline" && s.ParentSpanId == agent.SpanId).ShouldBe(2);
        mine.Count(s => s.OperationName == "execute_tool repository__repo_get_info" && s.ParentSpanId == agent.SpanId).ShouldBe(1);
        gateway.Calls.ShouldAllBe(call => call.TraceParent!.Contains(workflow.TraceId.ToHexString()));
    }

    public void Dispose() => _directory.Dispose();

    private static async Task<CallToolResult> HangAsync(GatewayServer.ToolCall call, CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        throw new InvalidOperationException("never");
    }
}
