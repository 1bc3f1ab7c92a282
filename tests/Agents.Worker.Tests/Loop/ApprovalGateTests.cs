using Agents.Runs;
using Agents.Worker.Tests.Runs;
using Agents.Worker.Tests.Tools;
using static Agents.Worker.Tests.Loop.ScriptedChatClient;

namespace Agents.Worker.Tests.Loop;

/// <summary>Which calls of a turn wait, and what becomes of the rest meanwhile.</summary>
public sealed class ApprovalGateTests : IDisposable
{
    private const string Answer = "Done.\n```result\n{\"next_actions\": []}\n```";

    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task OtherCallsAndAgents_GoOn_WhileOneCallWaits()
    {
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, RepositoryAnswers.Answer);
        var model = new ScriptedChatClient(request => request.Agent == BuiltInAgents.Documentation || request.Results.Count > 0
            ? [Text(Answer)]
            : [Call("repository__repo_get_info", id: "free"), Call("repository__find_untested", id: "one"), Call("repository__find_untested", id: "two")]);
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, gateway.Endpoint, model);
        var id = await worker.SubmitAsync(
            "q", [BuiltInAgents.ConvoStarter, BuiltInAgents.Documentation], tools: new RunTools { RequireApproval = ["find_*"] });

        var waiting = await Eventually.SeesAsync(async () => (await worker.Store.GetAsync(id, CancellationToken.None))!, run => run.State == RunState.WaitingApproval);
        gateway.Calls.Select(call => call.Bare).ShouldBe(["repo_get_info"]);
        waiting.Agents[1].State.ShouldBe(AgentState.Completed);
        var approvals = waiting.Approvals.ShouldNotBeNull();
        approvals.Select(approval => approval.Id).ShouldBe(["convo_starter-1-2", "convo_starter-1-3"]);
        await worker.Store.DecideApprovalAsync(id, approvals[0].Id, new ApprovalDecision(true, null, null), CancellationToken.None);
        await Eventually.HoldsAsync(() => gateway.Calls.Count == 2);
        await Eventually.SeesAsync(async () => (await worker.Store.GetAsync(id, CancellationToken.None))!, run => run.State == RunState.WaitingApproval);
        await worker.Store.DecideApprovalAsync(id, approvals[1].Id, new ApprovalDecision(false, "once is enough", null), CancellationToken.None);

        var ended = await worker.EndOfAsync(id);
        ended.State.ShouldBe(RunState.Completed, ended.Error);
        gateway.Calls.Count.ShouldBe(2);
        var results = model.Requests.Last(request => request.Agent == BuiltInAgents.ConvoStarter).Results;
        results.Select(result => result.CallId).ShouldBe(["free", "one", "two"]);
        ((string)results[2].Result!).ShouldBe("A person refused this call. It was not made. They say: once is enough");
        model.Requests.Count(request => request.Agent == BuiltInAgents.ConvoStarter).ShouldBe(2);
    }

    [Fact]
    public async Task ApprovedCall_IsMade_WhileAnotherAgentIsStillAtWork()
    {
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, RepositoryAnswers.Answer);
        var model = new ScriptedChatClient(request => request.Agent == BuiltInAgents.Documentation || request.Results.Count > 0 ? [Text(Answer)] : [Call("repository__repo_get_info")]);
        model.Before = (request, cancellationToken) => request.Agent == BuiltInAgents.Documentation ? hold.Task.WaitAsync(cancellationToken) : Task.CompletedTask;
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, gateway.Endpoint, model);
        var id = await worker.SubmitAsync("q", [BuiltInAgents.ConvoStarter, BuiltInAgents.Documentation], tools: new RunTools { RequireApproval = ["*"] });
        await Eventually.SeesAsync(async () => (await worker.Store.GetAsync(id, CancellationToken.None))!.Approvals, approvals => approvals is { Count: 1 });

        await worker.Store.DecideApprovalAsync(id, "convo_starter-1-1", new ApprovalDecision(true, null, null), CancellationToken.None);
        var run = await Eventually.SeesAsync(async () => (await worker.Store.GetAsync(id, CancellationToken.None))!, run => run.Agents[0].State == AgentState.Completed);

        (run.State, run.Attempt, run.Agents[1].State).ShouldBe((RunState.Running, 1, AgentState.Running));
        gateway.Calls.Count.ShouldBe(1);
        hold.SetResult();
        (await worker.EndOfAsync(id)).State.ShouldBe(RunState.Completed);
    }

    [Fact]
    public async Task Cancel_EndsARunThatWaits_AtOnce()
    {
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, RepositoryAnswers.Answer);
        var model = new ScriptedChatClient(_ => [Call("repository__repo_get_info")]);
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, gateway.Endpoint, model);
        var id = await worker.SubmitAsync("q", [BuiltInAgents.ConvoStarter], tools: new RunTools { RequireApproval = ["*"] });
        await Eventually.SeesAsync(async () => (await worker.Store.GetAsync(id, CancellationToken.None))!, run => run.State == RunState.WaitingApproval);

        (await worker.Store.RequestCancelAsync(id, CancellationToken.None))!.State.ShouldBe(RunState.Cancelled);

        gateway.Calls.ShouldBeEmpty();
    }

    public void Dispose() => _directory.Dispose();
}
