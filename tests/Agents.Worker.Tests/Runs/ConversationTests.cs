using Agents.Runs;
using Agents.Worker.Agents;
using Agents.Worker.Tests.Loop;
using Agents.Worker.Tests.Tools;
using Microsoft.Extensions.AI;
using static Agents.Worker.Tests.Loop.ScriptedChatClient;

namespace Agents.Worker.Tests.Runs;

/// <summary>A run of a conversation knows what was said in it before.</summary>
public sealed class ConversationTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task NextRun_IsToldTheEarlierTurns_OfItsCallersConversationAlone()
    {
        var model = new ScriptedChatClient(request => [Text($"answer of {request.Agent}"), Text("\n```result\n{\"next_actions\": [], \"test_files_created\": []}\n```")]);
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, RepositoryAnswers.Answer);
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, gateway.Endpoint, model);
        await worker.EndOfAsync(await worker.SubmitAsync("first", [BuiltInAgents.Tester, BuiltInAgents.Documentation], conversation: "c", owner: "ann"));
        await worker.EndOfAsync(await worker.SubmitAsync("not hers", [BuiltInAgents.Tester], conversation: "c", owner: "bob"));
        await worker.EndOfAsync(await worker.SubmitAsync("another", [BuiltInAgents.Tester], conversation: "d", owner: "ann"));
        await worker.EndOfAsync(await worker.SubmitAsync("second", [BuiltInAgents.ConvoStarter], conversation: "c", owner: "ann"));

        await worker.EndOfAsync(await worker.SubmitAsync("third", [BuiltInAgents.Tester], conversation: "c", owner: "ann"));

        var told = model.Requests.Last().Messages.Skip(1).Select(message => (message.Role, message.Text)).ToList();
        told[^1].Text.ShouldStartWith("third");
        told.SkipLast(1).ShouldBe(
        [
            (ChatRole.User, "first"),
            (ChatRole.Assistant, "answer of tester"),
            (ChatRole.User, "second"),
            (ChatRole.Assistant, "convo_starter answered:\nanswer of convo_starter"),
        ]);
    }

    [Fact]
    public async Task History_IsTheSame_WhenAnotherAttemptGoesOnAfterMoreWasSaid()
    {
        var went = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var model = new ScriptedChatClient(request => [Text($"to {request.LastText.Split('\n')[0]}"), Text("\n```result\n{\"next_actions\": []}\n```")]);
        model.Before = (request, cancellationToken) =>
        {
            if (!request.LastText.StartsWith("slow", StringComparison.Ordinal) || went.Task.IsCompleted) return Task.CompletedTask;
            went.SetResult();
            return Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        };
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, RepositoryAnswers.Answer);
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, gateway.Endpoint, model);
        await worker.EndOfAsync(await worker.SubmitAsync("before", [BuiltInAgents.ConvoStarter], conversation: "c"));
        var slow = await worker.SubmitAsync("slow", [BuiltInAgents.ConvoStarter], conversation: "c");
        await went.Task.WaitAsync(Eventually.Patience, TimeProvider.System, TestContext.Current.CancellationToken);
        await worker.EndOfAsync(await worker.SubmitAsync("meanwhile", [BuiltInAgents.ConvoStarter], conversation: "c"));

        await worker.Queue.AbandonAsync(new RunLease(slow, "", 1, default), "taken away", CancellationToken.None);
        (await worker.EndOfAsync(slow)).Attempt.ShouldBe(2);

        var attempts = model.Requests.Where(request => request.LastText.StartsWith("slow", StringComparison.Ordinal)).ToList();
        attempts.Count.ShouldBe(2);
        attempts[1].Messages.Select(message => message.Text).ShouldBe(attempts[0].Messages.Select(message => message.Text));
        attempts[0].Messages.Count.ShouldBe(4);
    }

    [Fact]
    public void History_LeavesOutTheOldest_WhenItWouldBeTooLong()
    {
        var runs = Enumerable.Range(1, 20).Select(i => new AgentRun
        {
            Id = $"run_{i}", Repository = "shop", Query = $"q{i}",
            Agents = [new AgentExecution { Name = "tester", Result = new AgentResult { AgentType = "tester", Content = $"{i} {new string('x', 5_000)}" } }],
        }).ToList();

        var told = ConversationHistory.Of("tester", runs);

        told.Sum(message => message.Text.Length).ShouldBeLessThanOrEqualTo(ConversationHistory.MaxChars);
        told.Where(message => message.Role == ChatRole.User).Select(message => message.Text).ShouldBe(["q16", "q17", "q18", "q19", "q20"]);
        told[^1].Text.ShouldEndWith("[shortened]");
    }

    public void Dispose() => _directory.Dispose();
}
