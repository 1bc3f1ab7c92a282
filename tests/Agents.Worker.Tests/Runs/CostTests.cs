using Agents.Runs;
using Agents.Worker.Tests.Loop;
using static Agents.Worker.Tests.Loop.ScriptedChatClient;

namespace Agents.Worker.Tests.Runs;

/// <summary>What a run cost: known where the price and the tokens are, null otherwise, never a guess.</summary>
public sealed class CostTests : IDisposable
{
    private const string Answer = "Done.\n```result\n{\"next_actions\": []}\n```";

    private static readonly Dictionary<string, string?> Prices = new()
    {
        ["Models:Prices:0:Model"] = "another", ["Models:Prices:0:Input"] = "1", ["Models:Prices:0:Output"] = "1",
        ["Models:Prices:1:Model"] = "scripted", ["Models:Prices:1:Input"] = "0.15", ["Models:Prices:1:Output"] = "0.6",
    };

    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task Cost_IsCountedPerAgentAndPerRun_WhenThePriceIsKnown()
    {
        var model = new ScriptedChatClient(_ => [Text(Answer), Usage(1_000_000, 2_000)]);
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, null, model, Prices);

        var run = await worker.RunAsync("q", [BuiltInAgents.ConvoStarter, BuiltInAgents.Documentation], new RunBudget { MaxInputTokens = 10_000_000 });

        run.Agents[0].Usage.ShouldBe(new RunUsage(1_000_000, 2_000, 0, 0.1512m));
        run.Usage.CostUsd.ShouldBe(0.3024m);
    }

    [Fact]
    public async Task Cost_IsUnknown_WhenTheServerReportsNoTokensOrThePriceIsNotKnown()
    {
        var model = new ScriptedChatClient(request => request.Agent == BuiltInAgents.Documentation ? [Text(Answer)] : [Text(Answer), Usage(10, 10)]);
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, null, model, Prices);

        var run = await worker.RunAsync("q", [BuiltInAgents.ConvoStarter, BuiltInAgents.Documentation]);

        run.Agents[0].Usage.CostUsd.ShouldNotBeNull();
        run.Agents[1].Usage.ShouldBe(new RunUsage(null, null, 0, null));
        run.Usage.CostUsd.ShouldBeNull("known plus unknown is unknown");
    }

    [Fact]
    public async Task Usage_OfAnAgentThatWasCancelled_IsWhatItConsumed()
    {
        var model = new ScriptedChatClient(_ => [Call("repository__nothing"), Usage(1_000, 1_000)]);
        model.Before = (request, cancellationToken) =>
            request.Number == 1 ? Task.CompletedTask : Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, null, model, Prices);
        var id = await worker.SubmitAsync("q", [BuiltInAgents.ConvoStarter]);
        await Eventually.HoldsAsync(() => model.Requests.Count == 2);

        await worker.Store.RequestCancelAsync(id, CancellationToken.None);

        var run = await worker.EndOfAsync(id);
        run.State.ShouldBe(RunState.Cancelled);
        run.Usage.InputTokens.ShouldBe(1_000);
        run.Usage.CostUsd.ShouldBe(0.00075m);
    }

    public void Dispose() => _directory.Dispose();
}
