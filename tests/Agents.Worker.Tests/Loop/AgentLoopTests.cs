using Agents.Runs;
using Agents.Worker.Models;
using Agents.Worker.Tests.Runs;
using Agents.Worker.Tests.Tools;
using Microsoft.Extensions.AI;
using static Agents.Worker.Tests.Loop.ScriptedChatClient;

namespace Agents.Worker.Tests.Loop;

/// <summary>The loop in a whole worker: real store, real MCP server, a model that does what the test says.</summary>
public sealed class AgentLoopTests : IDisposable
{
    private const string Answer = "Done.\n```result\n{\"next_actions\": [\"go\"], \"confidence\": 0.5}\n```";
    private const string Read = "repository__read_file";

    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task Loop_GivesParallelCallsTogetherAndTheirResultsInOrder()
    {
        var (run, model, gateway) = await RunAsync(request => request.Number == 1
            ? [Text("Let me look. "), Call(Read, Args(1), "c1"), Call("repository__search_code", new { query = "q" }, "c2"), Call(Read, Args(2), "c3"), Usage(10, 5)]
            : [Text(Answer), Usage(20, 7)]);

        run.State.ShouldBe(RunState.Completed);
        gateway.Calls.Count.ShouldBe(3);
        model.Requests.Last().Results.Select(r => r.CallId).ShouldBe(["c1", "c2", "c3"]);
        var agent = run.Agents[0];
        agent.StopReason.ShouldBe(StopReason.Finished);
        agent.Usage.ShouldBe(new RunUsage(30, 12, 3, null));
        agent.Result!.NextActions.ShouldBe(["go"]);
        agent.Result.Confidence.ShouldBe(0.5);
        agent.Result.Content.ShouldBe("Done.");
    }

    [Fact]
    public async Task Loop_DispatchesExactlyTheBudget_WhenOneTurnAsksForMore()
    {
        var (run, model, gateway) = await RunAsync(
            request => request.HasTools && request.Number == 1 ? [.. Enumerable.Range(1, 15).Select(i => Call(Read, Args(i)))] : [Text(Answer)],
            new RunBudget { MaxToolCalls = 10 });

        gateway.Calls.Count.ShouldBe(10);
        run.Agents[0].StopReason.ShouldBe(StopReason.BudgetToolCalls);
        run.Agents[0].State.ShouldBe(AgentState.Completed);
        run.Agents[0].Usage.ToolCalls.ShouldBe(10);
        var last = model.Requests.Last();
        last.HasTools.ShouldBeFalse("the last call has no tools");
        last.LastText.ShouldContain("budget_tool_calls");
        last.Results.Count(r => ((string)r.Result!).StartsWith("Budget reached")).ShouldBe(5);
    }

    [Fact]
    public async Task Loop_StopsAtDepth_WhenTheModelNeverAnswers()
    {
        var (run, _, gateway) = await RunAsync(request => request.HasTools ? [Call(Read, Args(request.Number))] : [Text(Answer)]);

        gateway.Calls.Count.ShouldBe(3);
        run.Agents[0].StopReason.ShouldBe(StopReason.BudgetDepth);
        run.Agents[0].Result!.Content.ShouldBe("Done.");
    }

    [Fact]
    public async Task Loop_StopsAtTheLimitOfATool_WhenTheModelAsksForNothingElse()
    {
        var (run, _, gateway) = await RunAsync(
            request => request.HasTools ? [Call("repository__qa_codebase", new { question = $"q{request.Number}" })] : [Text(Answer)],
            new RunBudget { MaxDepth = 10 });

        gateway.Calls.Count.ShouldBe(3);
        run.Agents[0].StopReason.ShouldBe(StopReason.BudgetTool);
    }

    [Fact]
    public async Task Loop_GoesOn_WhenOnlySomeCallsAreRefused()
    {
        var (run, _, gateway) = await RunAsync(
            request => request.Number == 1 ? [.. Enumerable.Range(1, 5).Select(i => Call("repository__qa_codebase", new { question = $"q{i}" }))] : [Text(Answer)]);

        gateway.Calls.Count.ShouldBe(3);
        run.Agents[0].StopReason.ShouldBe(StopReason.Finished);
    }

    [Theory]
    [InlineData(100, 1)]
    [InlineData(1, 100)]
    public async Task Loop_StopsAtTokens_BeforeTheNextTurn(long input, long output)
    {
        var (run, model, _) = await RunAsync(
            request => request.HasTools ? [Call(Read, Args(request.Number)), Usage(input, output)] : [Text(Answer), Usage(1, 1)],
            new RunBudget { MaxInputTokens = 100, MaxOutputTokens = 100 });

        run.Agents[0].StopReason.ShouldBe(StopReason.BudgetTokens);
        model.Requests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Loop_HoldsTheTokenBudget_WhenTheServerReportsNoUsage()
    {
        var (run, _, _) = await RunAsync(
            request => request.HasTools ? [Call(Read, Args(request.Number))] : [Text(Answer)],
            new RunBudget { MaxInputTokens = 50 });

        run.Agents[0].StopReason.ShouldBe(StopReason.BudgetTokens);
        run.Agents[0].Usage.InputTokens.ShouldBeNull("an estimate is not reported");
    }

    [Fact]
    public async Task Loop_EndsWithAnAnswer_WhenTheTimeIsUp()
    {
        var (run, model, _) = await RunAsync(
            request => [Text(Answer)],
            new RunBudget { TimeBudgetS = 1 },
            before: (request, cancellationToken) => request.Number == 1 ? Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken) : Task.CompletedTask);

        run.State.ShouldBe(RunState.Completed);
        run.Agents[0].StopReason.ShouldBe(StopReason.BudgetTime);
        run.Agents[0].Result!.NextActions.ShouldBe(["go"]);
        model.Requests.Last().LastText.ShouldContain("budget_time");
    }

    [Fact]
    public async Task Loop_TellsTheModelAtSeventyPercent()
    {
        var (_, model, _) = await RunAsync(
            request => request.Number <= 2 ? [.. Enumerable.Range(1, 4).Select(i => Call(Read, Args(i + (request.Number * 10))))] : [Text(Answer)]);

        var requests = model.Requests.ToList();
        requests[1].LastText.ShouldNotContain("Budget:");
        requests[2].LastText.ShouldContain("8 of 10 tool calls");
    }

    [Fact]
    public async Task Loop_StopsInALoop_WhenACallGivesTheSameThreeTimes()
    {
        var (run, _, gateway) = await RunAsync(request => request.HasTools ? [Call(Read, Args(1))] : [Text(Answer)], new RunBudget { MaxDepth = 10 });

        gateway.Calls.Count.ShouldBe(3);
        run.Agents[0].StopReason.ShouldBe(StopReason.Loop);
    }

    [Fact]
    public async Task Loop_StopsConverged_WhenTurnsSayTheSame()
    {
        var (run, _, _) = await RunAsync(
            request => request.HasTools ? [Text("I still think that the orders must be split up."), Call(Read, Args(request.Number))] : [Text(Answer)],
            new RunBudget { MaxDepth = 10 });

        run.Agents[0].StopReason.ShouldBe(StopReason.Converged);
        run.Agents[0].Usage.ToolCalls.ShouldBe(3);
    }

    [Fact]
    public async Task Loop_TellsTheModel_WhenAToolIsUnknownOrItsArgumentsAreNoJson()
    {
        var malformed = new ChatResponseUpdate(ChatRole.Assistant, [new FunctionCallContent("bad", Read) { Exception = new FormatException("The arguments are not a JSON object: {") }]);
        var (run, model, gateway) = await RunAsync(request => request.Number == 1 ? [Call("invented"), malformed] : [Text(Answer)]);

        gateway.Calls.ShouldBeEmpty();
        var results = model.Requests.Last().Results.Select(r => (string)r.Result!).ToList();
        results[0].ShouldContain("no tool 'invented'");
        results[0].ShouldContain(Read);
        results[1].ShouldContain("not a JSON object");
        run.Agents[0].StopReason.ShouldBe(StopReason.Finished);
        run.Agents[0].Usage.ToolCalls.ShouldBe(0);
    }

    [Fact]
    public async Task Loop_AsksOnceForTheResultBlock_WhenItIsWrong()
    {
        var (run, model, _) = await RunAsync(request => request.Number == 1
            ? [Text("The answer.\n```result\n{\"next_actions\": 5}\n```")]
            : [Text("```result\n{\"next_actions\": [\"repaired\"]}\n```")]);

        model.Requests.Count.ShouldBe(2);
        model.Requests.Last().LastText.ShouldContain("'next_actions' must be a list of texts");
        run.Agents[0].Result!.NextActions.ShouldBe(["repaired"]);
        run.Agents[0].Result!.Content.ShouldBe("The answer.");
    }

    [Fact]
    public async Task Loop_KeepsTheTextAndSaysSo_WhenTheResultBlockStaysWrong()
    {
        var (run, model, _) = await RunAsync(_ => [Text("Only text.")]);

        model.Requests.Count.ShouldBe(2);
        run.State.ShouldBe(RunState.Completed);
        run.Agents[0].Result!.Content.ShouldBe("Only text.");
        run.Agents[0].Result!.NextActions.ShouldBeNull();
        run.Agents[0].Result!.Metadata["note"].GetString()!.ShouldContain("block is missing");
    }

    [Fact]
    public async Task Loop_Fails_WhenTheModelRefuses()
    {
        var (run, _, _) = await RunAsync(_ => throw new ModelException(ModelFailure.Unauthorized, "The model server answered 401: no."));

        run.State.ShouldBe(RunState.Failed);
        run.Agents[0].StopReason.ShouldBe(StopReason.Error);
        run.Agents[0].Error.ShouldBe("The model server answered 401: no.");
    }

    [Fact]
    public async Task Loop_Fails_WhenTheModelSaysNothing()
    {
        var (run, _, _) = await RunAsync(_ => []);

        run.Agents[0].State.ShouldBe(AgentState.Failed);
        run.Agents[0].Error.ShouldNotBeNull().ShouldContain("empty answer");
    }

    [Fact]
    public async Task Loop_Fails_WhenTheModelSaysOnlyBlanks()
    {
        var (run, _, _) = await RunAsync(_ => [Text(" \n\t")]);

        run.Agents[0].State.ShouldBe(AgentState.Failed);
        run.Agents[0].StopReason.ShouldBe(StopReason.Error);
    }

    [Fact]
    public async Task Loop_KeepsTheBestText_WhenTheLastAnswerIsEmpty()
    {
        var (run, model, gateway) = await RunAsync(
            request => request.HasTools ? [Text($"Finding {request.Number}."), Call(Read, Args(request.Number))] : [Call(Read, Args(99))],
            new RunBudget { MaxDepth = 2 });

        var agent = run.Agents[0];
        (agent.State, agent.StopReason).ShouldBe((AgentState.Completed, StopReason.BudgetDepth));
        agent.Result!.Content.ShouldBe("Finding 3.", "the round that was refused had text too");
        agent.Result.Metadata["note"].GetString().ShouldBe("The model gave no last answer; this is the last text it wrote.");
        gateway.Calls.Count.ShouldBe(2, "what the last answer calls is not called");
        model.Requests.Count.ShouldBe(4);
    }

    [Fact]
    public async Task Loop_Fails_WhenAStoppedAgentNeverSaidAnything()
    {
        var (run, _, _) = await RunAsync(request => request.HasTools ? [Call(Read, Args(request.Number))] : [], new RunBudget { MaxDepth = 1 });

        (run.Agents[0].State, run.Agents[0].StopReason).ShouldBe((AgentState.Failed, StopReason.BudgetDepth));
    }

    [Fact]
    public async Task Loop_EndsAtDepth_WhenTheModelCallsOnlyToolsThatDoNotExist()
    {
        var (run, model, gateway) = await RunAsync(request => request.HasTools ? [Call($"invented_{request.Number}"), Usage(1, 1)] : [Text(Answer)]);

        gateway.Calls.ShouldBeEmpty();
        model.Requests.Count.ShouldBe(5, "three rounds, one that is refused, and the answer");
        run.Agents[0].StopReason.ShouldBe(StopReason.BudgetDepth);
        run.Agents[0].Result!.Content.ShouldBe("Done.");
    }

    [Theory]
    [InlineData("length", "cut off at its length limit")]
    [InlineData("content_filter", "cut off by a content filter")]
    public async Task Loop_SaysThatTheAnswerWasCutOff(string finish, string note)
    {
        var (run, model, _) = await RunAsync(request => request.Number == 1
            ? [new ChatResponseUpdate(ChatRole.Assistant, "Half an ans") { FinishReason = new ChatFinishReason(finish) }]
            : [Text("```result\n{\"next_actions\": [\"repaired\"]}\n```")]);

        model.Requests.Count.ShouldBe(2, "the missing block is asked for once");
        run.Agents[0].Result!.Content.ShouldBe("Half an ans");
        run.Agents[0].Result!.NextActions.ShouldBe(["repaired"]);
        run.Agents[0].Result!.Metadata["note"].GetString()!.ShouldContain(note);
    }

    [Fact]
    public async Task Loop_RepeatsABrokenTurnAndAnnouncesIt()
    {
        var model = new ScriptedChatClient(request => request.Number == 1 ? Broken() : [Text(Answer)]);
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, null, model, new Dictionary<string, string?> { ["Models:RetryDelay"] = "00:00:00" });
        var submitted = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        model.After = async _ => await HeardAsync(await submitted.Task);
        var id = await worker.SubmitAsync("q", [BuiltInAgents.ConvoStarter]);
        submitted.SetResult(id);

        var run = await worker.EndOfAsync(id);

        run.State.ShouldBe(RunState.Completed);
        model.Requests.Count.ShouldBe(2);
        var told = (await worker.EventsOfAsync(id)).Where(e => e.Type is RunEventTypes.TextDelta or RunEventTypes.TurnReset).ToList();
        told.Select(e => e.Type).ShouldBe([RunEventTypes.TextDelta, RunEventTypes.TurnReset, RunEventTypes.TextDelta]);
        told[0].Data.GetProperty("text").GetString().ShouldBe("Half a sen");
        told[2].Data.GetProperty("text").GetString().ShouldBe("Done.\n");

        // The stream breaks after readers have seen the half sentence.
        Task HeardAsync(string id) => Eventually.SeesAsync(() => worker.EventsOfAsync(id), events => events.Any(e => e.Type == RunEventTypes.TextDelta));

        static IEnumerable<ChatResponseUpdate> Broken()
        {
            yield return Text("Half a sen");
            throw new ModelException(ModelFailure.BrokenStream, "cut off");
        }
    }

    [Fact]
    public async Task Loop_CapsWhatTheModelReadsAndKeepsTheWhole()
    {
        var big = new string('x', 200_000);
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, (_, _) => Task.FromResult(GatewayServer.Result(new { ok = true }, big)));
        var model = new ScriptedChatClient(request => request.Number == 1 ? [Call(Read, Args(1))] : [Text(Answer)]);
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, gateway.Endpoint, model);

        var run = await worker.RunAsync("q", [BuiltInAgents.ConvoStarter]);

        ((string)model.Requests.Last().Results[0].Result!).Length.ShouldBeLessThan(52_000);
        (await worker.Store.GetToolCallAsync(run.Id, 1, CancellationToken.None))!.Result.ShouldBe(big);
    }

    private static object Args(int line) => new { path = "a.cs", start_line = line };

    private async Task<(AgentRun Run, ScriptedChatClient Model, GatewayServer Gateway)> RunAsync(
        Func<Request, IEnumerable<ChatResponseUpdate>> script, RunBudget? budget = null, Func<Request, CancellationToken, Task>? before = null)
    {
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, RepositoryAnswers.Answer);
        var model = new ScriptedChatClient(script) { Before = before };
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, gateway.Endpoint, model);
        return (await worker.RunAsync("q", [BuiltInAgents.ConvoStarter], budget), model, gateway);
    }

    public void Dispose() => _directory.Dispose();
}
