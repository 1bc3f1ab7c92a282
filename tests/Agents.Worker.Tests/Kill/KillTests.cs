using Agents.Runs;
using Agents.Worker.Tests.Tools;
using static Agents.Worker.Tests.Kill.ScriptedModel.Turn;

namespace Agents.Worker.Tests.Kill;

/// <summary>
/// kill -9 of a real worker at each place of a run, on both stores: another worker goes on, and the client's stream with it. The lease of the
/// killed is taken away by a reaper whose clock is ahead, so that nobody has to wait for it.
/// </summary>
public sealed class KillTests
{
    private const string Unknown = "Whether it did its work is unknown";

    [Theory]
    [InlineData("sqlite")]
    [InlineData("redis")]
    public async Task BeforeTheFirstTurn_NothingWasDone_AndAllIsDoneOnce(string store)
    {
        var seen = await KillAsync(store, gatewayPoint: "tools/list");

        seen.Turns.ShouldBe([First, AfterTool]);
        seen.Calls.ShouldBe(1);
        seen.Resets.ShouldBe(1);
        seen.Text.ShouldStartWith("Let me look. ");
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("redis")]
    public async Task DuringATurn_TheTurnIsToldAgain_AfterAReset(string store)
    {
        var seen = await KillAsync(store, midway: First);

        seen.Turns.ShouldBe([First, First, AfterTool]);
        seen.Calls.ShouldBe(1);
        seen.Resets.ShouldBe(1);
        seen.TextBeforeReset.ShouldBe("Let me look. ");
        seen.Text.ShouldStartWith("Let me look. ");
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("redis")]
    public async Task BetweenTurnAndCall_TheCallIsMadeOnce_WithoutAnotherTurn(string store)
    {
        // The gateway is away when the agent begins, and so it connects again before its call.
        var seen = await KillAsync(store, gatewayPoint: "tools/list", awayAtFirst: true);

        seen.Turns.ShouldBe([First, AfterTool]);
        seen.Calls.ShouldBe(1);
        seen.Resets.ShouldBe(0, "the turn stands");
        seen.ToolEvents.ShouldBe([RunEventTypes.ToolCall, RunEventTypes.ToolResult]);
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("redis")]
    public async Task DuringACallThatOnlyReads_TheCallIsMadeAgain(string store)
    {
        var seen = await KillAsync(store, inTool: true);

        seen.Turns.ShouldBe([First, AfterTool]);
        seen.Calls.ShouldBe(2);
        seen.LastResult.ShouldNotContain(Unknown);
        seen.ToolEvents.ShouldBe([RunEventTypes.ToolCall, RunEventTypes.ToolResult, RunEventTypes.ToolCall, RunEventTypes.ToolResult]);
        seen.Resets.ShouldBe(0);
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("redis")]
    public async Task DuringACallThatMayDoHarm_TheModelIsToldThatItsOutcomeIsUnknown(string store)
    {
        var seen = await KillAsync(store, inTool: true, onlyReads: false);

        seen.Turns.ShouldBe([First, AfterTool]);
        seen.Calls.ShouldBe(1, "it is not made again");
        seen.LastResult.ShouldContain(Unknown);
        seen.ToolEvents.ShouldBe([RunEventTypes.ToolCall, RunEventTypes.ToolResult]);
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("redis")]
    public async Task AfterAResult_TheCallIsNotMadeAgain(string store)
    {
        var seen = await KillAsync(store, before: AfterTool);

        seen.Turns.ShouldBe([First, AfterTool, AfterTool]);
        seen.Calls.ShouldBe(1);
        seen.LastResult.ShouldNotContain(Unknown);
        seen.Resets.ShouldBe(1);
        seen.ToolEvents.ShouldBe([RunEventTypes.ToolCall, RunEventTypes.ToolResult]);
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("redis")]
    public async Task BeforeTheFinalWrite_TheAnswerIsNotAskedForAgain(string store)
    {
        // Between answer and end the answer's form is repaired; there the worker is killed.
        var seen = await KillAsync(store, before: Repair);

        seen.Turns.ShouldBe([First, AfterTool, Repair, Repair]);
        seen.Calls.ShouldBe(1);
        seen.Resets.ShouldBe(0, "the answer stands");
        seen.Text.ShouldEndWith("All is well.");
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("redis")]
    public async Task PausedWorker_WritesNothingAndBeginsNothing_WhenItWakesAfterItsLease(string store)
    {
        var point = new Point();
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, RepositoryAnswers.Answer);
        await using var model = await ScriptedModel.StartAsync((turn, cancel) => turn == First ? point.PassAsync(cancel) : Task.CompletedTask, (_, _) => Task.CompletedTask, needsRepair: false);
        await using var storage = await RunsStorage.OpenAsync(store);
        await using var processes = new RunProcesses(storage, model, gateway);
        var paused = await processes.StartWorkerAsync();
        await processes.SubmitAsync();
        await point.ReachedAsync();

        paused.Pause();
        await processes.StartWorkerAsync();
        (await storage.ReapAsync()).ShouldBe(1);
        await processes.EndAsync();
        var events = await processes.Stream.WaitAsync(Eventually.Patience, TestContext.Current.CancellationToken);
        // What it waited for comes while it sleeps: it would go on with a tool call.
        point.Release();
        paused.Resume();

        await paused.WaitForLineAsync("this worker writes nothing more to it");
        gateway.Calls.Count.ShouldBe(1);
        model.Turns.ShouldBe([First, First, AfterTool]);
        events[^1].Type.ShouldBe(RunEventTypes.RunEnd);
        (await storage.GetAsync(processes.RunId)).Attempt.ShouldBe(2);
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("redis")]
    public async Task StoppedWorker_FinishesItsCallAndHandsTheRunBack_WithoutSpendingAnAttempt(string store)
    {
        var point = new Point();
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, async (call, cancellationToken) =>
        {
            await point.PassAsync(cancellationToken);
            return await RepositoryAnswers.Answer(call, cancellationToken);
        });
        await using var model = await ScriptedModel.StartAsync((_, _) => Task.CompletedTask, (_, _) => Task.CompletedTask, needsRepair: false);
        await using var storage = await RunsStorage.OpenAsync(store);
        await using var processes = new RunProcesses(storage, model, gateway);
        var stopped = await processes.StartWorkerAsync();
        await processes.SubmitAsync();
        await point.ReachedAsync();

        stopped.Terminate();
        await stopped.WaitForLineAsync("Draining: 1 runs");
        point.Release();
        (await stopped.WaitForExitAsync()).ShouldBe(0);
        await processes.StartWorkerAsync();

        var run = await processes.EndAsync();
        (run.Attempt, run.FailedAttempts).ShouldBe((2, 0));
        gateway.Calls.Count.ShouldBe(1);
        model.Turns.ShouldBe([First, AfterTool]);
        var events = await processes.Stream.WaitAsync(Eventually.Patience, TestContext.Current.CancellationToken);
        events.Select(e => e.Sequence).ShouldBe(Enumerable.Range(1, events.Count).Select(n => (long)n));
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("redis")]
    public async Task Cancel_StopsTheModel_WhicheverApiIsAsked(string store)
    {
        var point = new Point();
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, RepositoryAnswers.Answer);
        await using var model = await ScriptedModel.StartAsync((_, cancel) => point.PassAsync(cancel), (_, _) => Task.CompletedTask, needsRepair: false);
        await using var storage = await RunsStorage.OpenAsync(store);
        await using var processes = new RunProcesses(storage, model, gateway);
        await processes.StartWorkerAsync();
        await processes.SubmitAsync();
        var other = await processes.StartApiAsync();
        await point.ReachedAsync();

        var asked = TimeProvider.System.GetTimestamp();
        using var answer = await other.PostAsync($"/api/v1/runs/{processes.RunId}/cancel", null, TestContext.Current.CancellationToken);
        var events = await processes.Stream.WaitAsync(Eventually.Patience, TestContext.Current.CancellationToken);
        var took = TimeProvider.System.GetElapsedTime(asked);

        TestContext.Current.TestOutputHelper!.WriteLine($"{store}: {took.TotalMilliseconds:0} ms from the request at one Api to run.end at the other");
        ((int)answer.StatusCode).ShouldBe(202);
        events[^1].Data.GetProperty("state").GetString().ShouldBe("cancelled");
        // Long before the lease would have run out: the worker was told.
        took.ShouldBeLessThan(TimeSpan.FromSeconds(10));
        model.Turns.ShouldBe([First]);
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("redis")]
    public async Task Run_FailsWithTheReasons_WhenItTakesThreeWorkersAlong(string store)
    {
        // Each worker gets as far as its first turn, and no further.
        var points = new Queue<Point>([new(), new(), new()]);
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, RepositoryAnswers.Answer);
        await using var model = await ScriptedModel.StartAsync((_, cancel) => points.Peek().PassAsync(cancel), (_, _) => Task.CompletedTask, needsRepair: false);
        await using var storage = await RunsStorage.OpenAsync(store);
        await using var processes = new RunProcesses(storage, model, gateway);
        await processes.SubmitAsync();
        var workers = new List<int>();
        for (var attempt = 1; attempt <= 3; attempt++)
        {
            var worker = await processes.StartWorkerAsync();
            await points.Peek().ReachedAsync();
            worker.Kill();
            await worker.WaitForExitAsync();
            workers.Add(worker.Id);
            if (attempt < 3) points.Dequeue();
            (await storage.ReapAsync()).ShouldBe(1);
        }

        var run = await storage.GetAsync(processes.RunId);
        run.State.ShouldBe(RunState.Failed);
        run.FailedAttempts.ShouldBe(3);
        run.Error.ShouldNotBeNull().ShouldStartWith("3 attempts were lost.");
        foreach (var id in workers) run.Error.ShouldContain($"-{id}-");
        await processes.UnderstoodAsync();
        var events = await processes.Stream.WaitAsync(Eventually.Patience, TestContext.Current.CancellationToken);
        events[^1].Type.ShouldBe(RunEventTypes.RunEnd);
        events.Select(e => e.Sequence).ShouldBe(Enumerable.Range(1, events.Count).Select(n => (long)n));
    }

    [Fact]
    public async Task Run_GoesOnInItsAttempt_WhenRedisIsKilledAndStartedAgain()
    {
        var point = new Point();
        using var directory = new TemporaryDirectory();
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, async (call, cancellationToken) =>
        {
            await point.PassAsync(cancellationToken);
            return await RepositoryAnswers.Answer(call, cancellationToken);
        });
        await using var model = await ScriptedModel.StartAsync((_, _) => Task.CompletedTask, (_, _) => Task.CompletedTask, needsRepair: false);
        await using var storage = await RunsStorage.OpenDurableRedisAsync(directory);
        await using var processes = new RunProcesses(storage, model, gateway);
        await processes.StartWorkerAsync();
        await processes.SubmitAsync();
        await point.ReachedAsync();

        await storage.RestartAsync();
        point.Release();

        var run = await processes.EndAsync();
        (run.Attempt, run.FailedAttempts).ShouldBe((1, 0));
        model.Turns.ShouldBe([First, AfterTool]);
        gateway.Calls.Count.ShouldBe(1);
        var events = await processes.Stream.WaitAsync(Eventually.Patience, TestContext.Current.CancellationToken);
        events.Select(e => e.Sequence).ShouldBe(Enumerable.Range(1, events.Count).Select(n => (long)n));
        events[^1].Type.ShouldBe(RunEventTypes.RunEnd);
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("redis")]
    public async Task KilledWorkersRun_IsTakenByTheOthersThemselves_AfterItsLease(string store)
    {
        var point = new Point();
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, RepositoryAnswers.Answer);
        await using var model = await ScriptedModel.StartAsync((turn, cancel) => turn == First ? point.PassAsync(cancel) : Task.CompletedTask, (_, _) => Task.CompletedTask, needsRepair: false);
        await using var storage = await RunsStorage.OpenAsync(store);
        storage.Times = new() { ["Runs__Lease"] = "00:00:03", ["Runs__Heartbeat"] = "00:00:00.5", ["Runs__Reaper"] = "00:00:00.5", ["Runs__MaxAttempts"] = "20" };
        await using var processes = new RunProcesses(storage, model, gateway);
        var killed = await processes.StartWorkerAsync();
        await processes.SubmitAsync();
        await point.ReachedAsync();

        killed.Kill();
        await processes.StartWorkerAsync();

        (await processes.EndAsync()).Attempt.ShouldBeGreaterThan(1);
        gateway.Calls.Count.ShouldBe(1);
    }

    /// <summary>What a client, the model and the tools saw of a run whose first worker was killed.</summary>
    private sealed record Seen(IReadOnlyList<RunEvent> Events, IReadOnlyList<ScriptedModel.Turn> Turns, int Calls, string LastResult)
    {
        public int Resets => Events.Count(e => e.Type == RunEventTypes.TurnReset);

        public string Text => TextOf(Events.SkipWhile(e => Resets > 0 && e.Type != RunEventTypes.TurnReset));

        public string TextBeforeReset => TextOf(Events.TakeWhile(e => e.Type != RunEventTypes.TurnReset));

        public IReadOnlyList<string> ToolEvents => [.. Events.Select(e => e.Type).Where(type => type is RunEventTypes.ToolCall or RunEventTypes.ToolResult)];

        private static string TextOf(IEnumerable<RunEvent> events) =>
            string.Concat(events.Where(e => e.Type == RunEventTypes.TextDelta).Select(e => e.Data.GetProperty("text").GetString()));
    }

    private static async Task<Seen> KillAsync(
        string store, ScriptedModel.Turn? before = null, ScriptedModel.Turn? midway = null, bool inTool = false, bool onlyReads = true, string? gatewayPoint = null, bool awayAtFirst = false)
    {
        var point = new Point();
        var away = awayAtFirst;
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, async (call, cancellationToken) =>
        {
            if (inTool) await point.PassAsync(cancellationToken);
            return await RepositoryAnswers.Answer(call, cancellationToken);
        });
        gateway.OnlyReads = _ => onlyReads;
        gateway.Before = (method, cancellationToken) =>
            Volatile.Read(ref away) ? throw new InvalidOperationException("away") : method == gatewayPoint ? point.PassAsync(cancellationToken) : Task.CompletedTask;
        await using var model = await ScriptedModel.StartAsync(
            (turn, cancellationToken) =>
            {
                Volatile.Write(ref away, false);
                return turn == before ? point.PassAsync(cancellationToken) : Task.CompletedTask;
            },
            (turn, cancellationToken) => turn == midway ? point.PassAsync(cancellationToken) : Task.CompletedTask,
            needsRepair: before == Repair);
        await using var storage = await RunsStorage.OpenAsync(store);
        await using var processes = new RunProcesses(storage, model, gateway);
        var killed = await processes.StartWorkerAsync();
        await processes.SubmitAsync();
        await point.ReachedAsync();
        if (midway is not null) await Eventually.HoldsAsync(() => processes.Heard.Any(e => e.Type == RunEventTypes.TextDelta));
        var next = await processes.StartWorkerAsync();

        killed.Kill();
        await killed.WaitForExitAsync();
        (await storage.ReapAsync()).ShouldBe(1);

        var run = await processes.EndAsync();
        (run.Attempt, run.FailedAttempts).ShouldBe((2, 1));
        run.Agents[0].StopReason.ShouldBe(StopReason.Finished);
        var events = await processes.Stream.WaitAsync(Eventually.Patience, TestContext.Current.CancellationToken);
        events.Select(e => e.Sequence).ShouldBe(Enumerable.Range(1, events.Count).Select(n => (long)n), "one stream, without gap or duplicate");
        events[^1].Type.ShouldBe(RunEventTypes.RunEnd);
        next.Output.ShouldNotContain(line => line.Contains("fail:", StringComparison.Ordinal));
        return new Seen(events, model.Turns, gateway.Calls.Count, model.LastResult);
    }
}
