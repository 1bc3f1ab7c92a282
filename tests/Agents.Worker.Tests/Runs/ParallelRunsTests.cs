using System.Collections.Concurrent;
using Agents.Runs;
using Agents.Worker.Tests.Loop;
using static Agents.Worker.Tests.Loop.ScriptedChatClient;

namespace Agents.Worker.Tests.Runs;

/// <summary>Many agents of many runs on two workers that share one store.</summary>
public sealed class ParallelRunsTests : IDisposable
{
    private const string Answer = "Done.";
    private const int Runs = 16;

    private static readonly string[] Agents = [BuiltInAgents.Documentation, BuiltInAgents.Tester, BuiltInAgents.Summarizer, BuiltInAgents.Simplifier];

    private readonly TemporaryDirectory _directory = new();

    [Theory]
    [InlineData(5, 16, 2, 5)]
    [InlineData(12, 3, 4, 3)]
    public async Task SixtyFourAgents_AllEnd_WithinTheLimitsOfProcessRunAndProvider(int maxAgents, int maxConcurrency, int perRun, int expected)
    {
        var settings = new Dictionary<string, string?>
        {
            ["Worker:MaxAgents"] = $"{maxAgents}", ["Worker:MaxAgentsPerRun"] = $"{perRun}", ["Models:MaxConcurrency"] = $"{maxConcurrency}", ["Worker:MaxRuns"] = "6",
        };
        Crowd first = new(expected), second = new(expected);
        await using var one = await WorkerHost.StartAsync(_directory.FullPath, null, first.Model, settings);
        await using var two = await WorkerHost.StartAsync(_directory.FullPath, null, second.Model, settings);

        var ids = new List<string>();
        for (var i = 0; i < Runs; i++) ids.Add(await one.SubmitAsync($"run {i}", Agents));
        var runs = new List<AgentRun>();
        foreach (var id in ids) runs.Add(await one.EndOfAsync(id));

        foreach (var crowd in (Crowd[])[first, second])
        {
            crowd.Most.ShouldBe(expected, "the narrowest limit of a process is reached and held");
            crowd.MostOfARun.ShouldBeLessThanOrEqualTo(perRun);
        }

        runs.Sum(run => run.Agents.Count).ShouldBe(64);
        runs[0].State.ShouldBe(RunState.CompletedPartial);
        runs[0].Agents.Single(agent => agent.State == AgentState.Failed).Name.ShouldBe(BuiltInAgents.Tester);
        runs.Skip(1).ShouldAllBe(run => run.State == RunState.Completed);
        runs.SelectMany(run => run.Agents).Count(agent => agent.Result is not null).ShouldBe(63, "one failing agent leaves the others whole");
        runs.ShouldAllBe(run => run.Attempt == 1);
    }

    public void Dispose() => _directory.Dispose();

    /// <summary>A model that answers nobody until as many ask at once as should be able to, and counts who asks together.</summary>
    private sealed class Crowd
    {
        private readonly ConcurrentDictionary<string, int> _ofRuns = new();
        private readonly TaskCompletionSource _full = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Lock _gate = new();
        private readonly int _expected;
        private int _now;

        public Crowd(int expected)
        {
            _expected = expected;
            Model = new ScriptedChatClient(request => Query(request) == "run 0" && request.Agent == BuiltInAgents.Tester
                ? throw new InvalidOperationException("broken agent")
                : [Text(Answer)])
            { Before = HoldAsync };
        }

        public ScriptedChatClient Model { get; }

        public int Most { get; private set; }

        public int MostOfARun { get; private set; }

        private static string Query(Request request) => (string)request.Options.AdditionalProperties!["agents.query"]!;

        private async Task HoldAsync(Request request, CancellationToken cancellationToken)
        {
            var run = Query(request);
            lock (_gate)
            {
                Most = Math.Max(Most, ++_now);
                MostOfARun = Math.Max(MostOfARun, _ofRuns.AddOrUpdate(run, 1, (_, count) => count + 1));
                if (_now >= _expected) _full.TrySetResult();
            }

            await _full.Task.WaitAsync(cancellationToken);
            await Task.Yield();
            lock (_gate)
            {
                _now--;
                _ofRuns.AddOrUpdate(run, 0, (_, count) => count - 1);
            }
        }
    }
}
