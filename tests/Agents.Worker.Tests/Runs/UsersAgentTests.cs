using Agents.Runs;
using Agents.Worker.Tests.Loop;
using Agents.Worker.Tests.Tools;
using static Agents.Worker.Tests.Loop.ScriptedChatClient;

namespace Agents.Worker.Tests.Runs;

/// <summary>The worker runs what users defined as it runs what came with it.</summary>
public sealed class UsersAgentTests : IDisposable
{
    private const string Definition = "---\nname: reviewer\ndescription: Reviews.\ntools: [\"repository__repo_get_info\"]\nbudget:\n  max_tool_calls: 1\n  max_depth: 1\n---\nReview as version one.\n";

    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task Agent_RunsInTheVersionOfTheRun_WithItsOwnToolsAndLimits()
    {
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, RepositoryAnswers.Answer);
        var model = new ScriptedChatClient(request => request.HasTools && request.Results.Count == 0
            ? [Call("repository__repo_get_info"), Call("repository__repo_get_info", new { again = true }), Call("repository__find_untested")]
            : [Text("It is fine.")]);
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, gateway.Endpoint, model);
        var agent = (await worker.Definitions.CreateAsync(null, "reviewer", Definition, CancellationToken.None))!;
        await worker.Definitions.ReplaceAsync(agent.Id, 1, Definition.Replace("one", "two", StringComparison.Ordinal), CancellationToken.None);

        var run = await worker.EndOfAsync(await worker.SubmitAsync("q", [new AgentExecution { Name = "reviewer", AgentId = agent.Id, Version = "1" }]));

        run.State.ShouldBe(RunState.Completed, run.Agents[0].Error);
        (run.Agents[0].AgentId, run.Agents[0].Version, run.Agents[0].Result!.Content).ShouldBe((agent.Id, "1", "It is fine."));
        model.Requests.First().Messages[0].Text.ShouldStartWith("Review as version one.");
        gateway.Calls.ShouldHaveSingleItem("its own limit is 1").Bare.ShouldBe("repo_get_info");
        var results = model.Requests.Last().Results.Select(result => (string)result.Result!).ToList();
        results.ShouldContain(text => text.StartsWith("There is no tool 'repository__find_untested'"));
        results.ShouldContain(text => text.StartsWith("Budget reached"));
    }

    [Fact]
    public async Task Agent_FailsWithAReason_WhenItWasDeleted_AndTheOthersAreWhole()
    {
        var model = new ScriptedChatClient(_ => [Text("Done.")]);
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, null, model);
        var agent = (await worker.Definitions.CreateAsync(null, "reviewer", Definition, CancellationToken.None))!;
        await worker.Definitions.DeleteAsync(agent.Id, CancellationToken.None);

        var run = await worker.EndOfAsync(await worker.SubmitAsync(
            "q", [new AgentExecution { Name = "reviewer", AgentId = agent.Id, Version = "1" }, new AgentExecution { Name = BuiltInAgents.Documentation }]));

        run.State.ShouldBe(RunState.CompletedPartial);
        run.Agents[0].Error.ShouldBe($"Version 1 of agent 'reviewer' ({agent.Id}) was deleted before this run came to it.");
        run.Agents[1].Version.ShouldNotBeNull().Length.ShouldBe(12, "a digest of the file");
    }

    public void Dispose() => _directory.Dispose();
}
