using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Agents.Runs;
using Agents.Worker.Tests.Tools;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ModelContextProtocol.Protocol;

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

    [Fact]
    public async Task Run_SuggestsNothing_WhenEveryMethodIsShortAndNothingStandsTwice()
    {
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, (call, cancellationToken) => call.Bare switch
        {
            "repo_get_info" => Structured(new { name = "shop", files = 1, lines = 9, languages = Array.Empty<object>(), longest_methods = new[] { new { name = "Total", file = "src/Order.cs", line = 4, lines = 15 } } }),
            "find_duplicates" => Structured(new { method = "lines", total = 0, duplicates = Array.Empty<object>() }),
            "find_entities" => Structured(new { method = "roslyn", total = 1, entities = new[] { new { name = "Total", kind = "method", file = "src/Order.cs", line = 4, end_line = 18, lines = 15 } } }),
            _ => RepositoryAnswers.Answer(call, cancellationToken),
        });
        await using var worker = await WorkerHost.StartAsync(_directory.FullPath, gateway.Endpoint);

        var run = await worker.RunAsync("What should be simplified first?");

        var simplifier = run.Agents[0].Result!;
        simplifier.SuggestionsTable!.ShouldNotContain("Total");
        simplifier.Content.ShouldContain("found nothing to simplify");
        simplifier.Content.ShouldContain("shop has 1 files and 9 lines, 0 of");
        run.Agents[2].Result!.NextActions!.ShouldNotContain(action => action.Contains("splitting"));
    }

    [Fact]
    public async Task Run_LeavesNoWarningOfTheSdk()
    {
        var warnings = new SdkWarnings();
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, RepositoryAnswers.Answer);
        await using var worker = await WorkerHost.StartAsync(
            _directory.FullPath, gateway.Endpoint, configure: services => services.AddLogging(logging => logging.AddProvider(warnings).AddFilter<SdkWarnings>("ModelContextProtocol", LogLevel.Warning)));

        await worker.RunAsync("What should be simplified first?");

        warnings.Lines.ShouldBeEmpty();
    }

    public void Dispose() => _directory.Dispose();

    private static Task<CallToolResult> Structured(object answer) => Task.FromResult(GatewayServer.Result(answer));

    /// <summary>What the MCP SDK warns of, whatever the worker lets through.</summary>
    private sealed class SdkWarnings : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Enqueue(formatter(state, exception));

        public void Dispose()
        {
        }
    }
}
