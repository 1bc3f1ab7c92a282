using System.Text.Json.Nodes;
using Agents.Runs;
using Agents.Worker.Tests.Tools;

namespace Agents.Worker.Tests.Runs;

public sealed class OfflineRunTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task Run_CompletesFourAgentsThatEachUsedTools_WhenOffline()
    {
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, RepositoryAnswers.Answer);
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, gateway.Endpoint);

        var run = await worker.RunAsync("What should be simplified first?");

        run.State.ShouldBe(RunState.Completed, run.Error + string.Join(';', run.Agents.Select(a => a.Error)));
        run.Agents.ShouldAllBe(agent => agent.StopReason == StopReason.Finished && agent.Usage.ToolCalls > 0 && !agent.Degraded);
        run.Agents.ShouldAllBe(agent => agent.Result!.Confidence == null && agent.Result.Metadata["mode"].GetString() == "offline" && agent.Result.Content.Contains("no language model"));
        run.Usage.ShouldBe(new RunUsage(0, 0, gateway.Calls.Count, 0));
        var simplifier = run.Agents[0].Result!;
        simplifier.SuggestionsTable.ShouldNotBeNull();
        simplifier.SuggestionsTable.ShouldContain("| src/Orders.cs:40 | split `Place`");
        simplifier.SuggestionsTable.ShouldContain("src/Basket.cs:10");
        simplifier.Content.ShouldNotContain("```result");
        simplifier.Sources.ShouldContain("src/Orders.cs:40");
        run.Agents[1].Result!.TestFilesCreated.ShouldBeEmpty();
        run.Agents[1].Result!.Content.ShouldContain("`Orders` (class, 5 public members) at `src/Orders.cs:12`");
        run.Agents[2].Result!.NextActions!.ShouldContain(action => action.Contains("src/Basket.cs:10"));
        run.Agents[3].Result!.CondensedSummary!.ShouldContain("A small shop that sells books");
        (await worker.TextOfAsync(run.Id, "simplifier")).Trim().ShouldBe(simplifier.Content);
    }

    [Fact]
    public async Task Run_WaitsForItsTools_WhenTheirUpstreamIsStillBeingOpened()
    {
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, RepositoryAnswers.Answer);
        gateway.Missing = lists => lists < 6 ? [new JsonObject { ["upstream"] = "repository", ["state"] = "opening", ["reason"] = "It is still being opened." }] : null;
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, gateway.Endpoint);

        var run = await worker.RunAsync("What should be simplified first?");

        run.Agents.ShouldAllBe(agent => agent.StopReason == StopReason.Finished && agent.Usage.ToolCalls > 0 && !agent.Degraded);
    }

    [Fact]
    public async Task Run_SaysWhyItHasNoTools_WhenTheirUpstreamIsDown()
    {
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, RepositoryAnswers.Answer);
        gateway.Missing = _ => [new JsonObject { ["upstream"] = "repository", ["state"] = "down", ["reason"] = "The process ended with exit code 2." }];
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, gateway.Endpoint);

        var run = await worker.RunAsync("What should be simplified first?");

        run.State.ShouldBe(RunState.Completed);
        run.Agents.ShouldAllBe(agent => agent.Degraded && agent.StopReason == StopReason.McpUnavailable && agent.DegradedReason!.Contains("repository: The process ended with exit code 2."));
    }

    public void Dispose() => _directory.Dispose();
}
