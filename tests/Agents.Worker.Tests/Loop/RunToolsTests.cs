using Agents.Runs;
using Agents.Worker.Tests.Runs;
using Agents.Worker.Tests.Tools;
using static Agents.Worker.Tests.Loop.ScriptedChatClient;

namespace Agents.Worker.Tests.Loop;

/// <summary>What a run allows and denies holds for what the model is offered, and for what it calls all the same.</summary>
public sealed class RunToolsTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task DeniedTools_AreNeitherOfferedNorCalled()
    {
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, RepositoryAnswers.Answer);
        var model = new ScriptedChatClient(request => request.Results.Count > 0
            ? [Text("Done.\n```result\n{\"next_actions\": []}\n```")]
            : [Call("repository__read_file"), Call("repository__find_untested"), Call("repository__repo_get_info")]);
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, gateway.Endpoint, model);

        var run = await worker.RunAsync("q", [BuiltInAgents.ConvoStarter], tools: new RunTools { Allow = ["repo_*", "repository__find_untested"], Deny = ["find_*"] });

        run.State.ShouldBe(RunState.Completed, run.Error);
        gateway.Calls.ShouldHaveSingleItem().Bare.ShouldBe("repo_get_info");
        model.Requests.First().Options.Tools!.Select(tool => tool.Name).ShouldBe(["repository__repo_get_info"]);
        model.Requests.Last().Results.Count(result => ((string)result.Result!).StartsWith("There is no tool 'repository__")).ShouldBe(2);
        run.Usage.ToolCalls.ShouldBe(1);
    }

    public void Dispose() => _directory.Dispose();
}
