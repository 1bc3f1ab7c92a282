using Agents.Runs;
using Agents.Worker.Tests.Loop;
using Agents.Worker.Tests.Tools;
using static Agents.Worker.Tests.Loop.ScriptedChatClient;

namespace Agents.Worker.Tests.Runs;

public sealed class GatewayLossTests : IDisposable
{
    private const string Answer = "Done.\n```result\n{\"next_actions\": []}\n```";

    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task Run_CompletesDegraded_WhenThereIsNoGateway()
    {
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, gateway: null);

        var run = await worker.RunAsync("What is this?");

        run.State.ShouldBe(RunState.Completed);
        run.Agents.ShouldAllBe(agent => agent.Degraded && agent.DegradedReason!.Contains("gateway") && agent.StopReason == StopReason.McpUnavailable);
        run.Agents.ShouldAllBe(agent => agent.Result!.Content.Contains("Nothing was analysed") && agent.Result.Sources.Count == 0);
    }

    [Fact]
    public async Task Run_WaitsForTheGateway_WhenItIsBeingStartedAgain()
    {
        await using var before = await GatewayServer.StartAsync(RepositoryAnswers.Tools, RepositoryAnswers.Answer);
        await before.KillAsync();
        var settings = new Dictionary<string, string?> { ["Tools:StartPatience"] = "00:00:15" };
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, before.Endpoint, settings: settings);
        var id = await worker.SubmitAsync("What is this?");
        await Eventually.SeesAsync(async () => (await worker.Store.GetAsync(id, CancellationToken.None))!, run => run.State == RunState.Running);

        await using var after = await GatewayServer.StartAsync(RepositoryAnswers.Tools, RepositoryAnswers.Answer, before.Endpoint);

        var run = await worker.EndOfAsync(id);
        run.Agents.ShouldAllBe(agent => !agent.Degraded && agent.Usage.ToolCalls > 0);
    }

    [Fact]
    public async Task Model_IsToldThatItHasNoTools_WhenThereIsNoGateway()
    {
        var model = new ScriptedChatClient(_ => [Text(Answer)]);
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, gateway: null, model);

        await worker.RunAsync("What is this?", [BuiltInAgents.ConvoStarter]);

        model.Requests.First().LastText.ShouldContain("tools cannot be reached");
    }

    [Fact]
    public async Task Run_CompletesDegradedWithWhatItHas_WhenTheGatewayDiesHalfWay()
    {
        GatewayServer? gateway = null;
        gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, async (call, cancellationToken) =>
        {
            if (call.Bare == "read_file") await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            return await RepositoryAnswers.Answer(call, cancellationToken);
        });
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, gateway.Endpoint);
        var id = await worker.SubmitAsync("What should be simplified first?", [BuiltInAgents.Simplifier]);
        await Eventually.HoldsAsync(() => gateway.Calls.Any(call => call.Bare == "read_file"));

        await gateway.KillAsync();

        var run = await worker.EndOfAsync(id);
        run.State.ShouldBe(RunState.Completed);
        var agent = run.Agents[0];
        agent.Degraded.ShouldBeTrue(agent.Result!.Content);
        agent.DegradedReason.ShouldNotBeNull().ShouldContain("lost");
        agent.StopReason.ShouldBe(StopReason.Finished, "some tools worked before");
        agent.Result!.SuggestionsTable.ShouldNotBeNull().ShouldContain("src/Orders.cs:40");
        agent.Result.Content.ShouldContain("> read_file gave no result: The tool gateway");
        var calls = await worker.Store.ListToolCallsAsync(id, CancellationToken.None);
        calls.Where(call => call.Tool.EndsWith("read_file", StringComparison.Ordinal)).ShouldAllBe(call => call.IsError == true);
    }

    [Fact]
    public async Task Agent_UsesTheGatewayAgain_WhenItComesBack()
    {
        var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, RepositoryAnswers.Answer);
        var endpoint = gateway.Endpoint;
        var model = new ScriptedChatClient(request => request.Number < 3 ? [Call("repository__repo_get_info", new { n = request.Number })] : [Text(Answer)]);
        GatewayServer? second = null;
        model.Before = async (request, _) =>
        {
            // Lost before the first call; back before the second turn is over.
            if (request.Number == 1) await gateway.KillAsync();
            if (request.Number == 2) second = await GatewayServer.StartAsync(RepositoryAnswers.Tools, RepositoryAnswers.Answer, endpoint);
        };
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, endpoint, model);

        var run = await worker.RunAsync("q", [BuiltInAgents.ConvoStarter]);

        await using var _ = second;
        run.Agents[0].StopReason.ShouldBe(StopReason.Finished);
        run.Agents[0].Degraded.ShouldBeTrue("for a while it was");
        second!.Calls.Count.ShouldBe(1);
        model.Requests.Last().Results.Select(r => ((string)r.Result!).Contains("gateway")).ShouldBe([true, false]);
    }

    [Fact]
    public async Task Call_EndsWithAnErrorForTheModel_WhenAToolIsTooSlow()
    {
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, async (_, cancellationToken) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            return null!;
        });
        var model = new ScriptedChatClient(request => request.Number == 1 ? [Call("repository__repo_get_info")] : [Text(Answer)]);
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, gateway.Endpoint, model, new Dictionary<string, string?> { ["Tools:CallTimeout"] = "00:00:01" });

        var run = await worker.RunAsync("q", [BuiltInAgents.ConvoStarter]);

        run.Agents[0].StopReason.ShouldBe(StopReason.Finished);
        run.Agents[0].Degraded.ShouldBeFalse("a slow tool is not a lost gateway");
        ((string)model.Requests.Last().Results[0].Result!).ShouldContain("gave no result within 1 s");
        gateway.Calls.Count.ShouldBe(1, "nothing repeats a call");
    }

    [Fact]
    public async Task ToolErrors_ReachTheModelAndLeaveTheGatewayInUse()
    {
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, (call, cancellationToken) =>
            call.Bare == "find_duplicates" ? Task.FromResult(GatewayServer.Error("'path' leads out of the repository.")) : RepositoryAnswers.Answer(call, cancellationToken));
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, gateway.Endpoint);

        var run = await worker.RunAsync("What should be simplified first?", [BuiltInAgents.Simplifier]);

        run.Agents[0].Degraded.ShouldBeFalse();
        run.Agents[0].Result!.Content.ShouldContain("> find_duplicates gave no result: 'path' leads out of the repository.");
        run.Agents[0].Result!.SuggestionsTable.ShouldNotBeNull().ShouldContain("src/Orders.cs:40");
    }

    public void Dispose() => _directory.Dispose();
}
