using System.Net.Http.Json;
using System.Text.Json;
using Agents.Runs;
using Agents.Worker.Models;
using Agents.Worker.Tests.Runs;
using Agents.Worker.Tests.Tools;
using Microsoft.Extensions.AI;

namespace Agents.Worker.Tests.Models;

/// <summary>Against a server of both wires, OpenAI's and Anthropic's, that other people wrote.</summary>
public sealed class AimockTests
{
    private const string Fixtures = """
        [
          { "match": { "toolCallId": "call_b" }, "response": { "content": "Both tools answered.\n```result\n{\"next_actions\": [\"Look at src/Orders.cs:40\"], \"confidence\": 0.9}\n```" } },
          { "match": { "userMessage": "use tools" }, "response": { "toolCalls": [
              { "id": "call_a", "name": "repository__repo_get_info", "arguments": { "repository": "shop" } },
              { "id": "call_b", "name": "repository__find_duplicates", "arguments": { "repository": "shop", "limit": 3 } } ],
              "usage": { "prompt_tokens": 30, "completion_tokens": 9, "total_tokens": 39 } } },
          { "match": { "userMessage": "cut off" }, "response": { "content": "A rather long answer that will never come to its end because the stream is cut" }, "truncateAfterChunks": 2, "chunkSize": 5 },
          { "match": { "userMessage": "hello" }, "response": { "content": "Hello from the other side.", "usage": { "prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19 } }, "chunkSize": 4 }
        ]
        """;

    [Theory]
    [InlineData(ModelOptions.OpenAi)]
    [InlineData(ModelOptions.Anthropic)]
    public async Task Turn_StreamsTextAndUsage(string provider)
    {
        await using var mock = await StartAsync();
        using var client = Client(mock, provider);

        var turn = await client.AskAsync("hello");

        turn.Text.ShouldBe("Hello from the other side.");
        client.Heard.Count.ShouldBeGreaterThan(3);
        turn.Usage!.InputTokenCount.ShouldBe(12);
        turn.Usage.OutputTokenCount.ShouldBe(7);
        turn.FinishReason.ShouldBe("stop");
    }

    [Theory]
    [InlineData(ModelOptions.OpenAi)]
    [InlineData(ModelOptions.Anthropic)]
    public async Task Turn_TakesParallelCalls_AndTheServerTheirResults(string provider)
    {
        await using var mock = await StartAsync();
        using var client = Client(mock, provider);
        ChatMessage question = new(ChatRole.User, "use tools");

        var turn = await client.AskAsync([question]);

        turn.Calls.Select(call => (call.CallId, call.Name)).ShouldBe([("call_a", "repository__repo_get_info"), ("call_b", "repository__find_duplicates")]);
        turn.Calls[1].Arguments!["limit"]!.ToString().ShouldBe("3");
        var answer = await client.AskAsync(
        [
            question,
            new(ChatRole.Assistant, [.. turn.Calls]),
            new(ChatRole.Tool, [new FunctionResultContent("call_a", "one"), new FunctionResultContent("call_b", "two")]),
        ]);
        answer.Text.ShouldStartWith("Both tools answered.");
    }

    [Theory]
    [InlineData(ModelOptions.OpenAi)]
    [InlineData(ModelOptions.Anthropic)]
    public async Task RateLimit_CostsExactlyThePolicysRequests(string provider)
    {
        await using var mock = await StartAsync();
        await ChaosAsync(mock, new { rateLimitRate = 1 });
        using var client = Client(mock, provider, options => (options.MaxAttempts, options.MaxRetryDelay) = (3, TimeSpan.FromMinutes(2)), new ManualTimeProvider());

        var error = await FailAsync(client);

        error.Failure.ShouldBe(ModelFailure.RateLimited);
        error.RetryAfter.ShouldNotBeNull();
        (await RequestsAsync(mock)).ShouldBe(3);
    }

    [Theory]
    [InlineData(ModelOptions.OpenAi, "dropRate", nameof(ModelFailure.Unavailable))]
    [InlineData(ModelOptions.OpenAi, "malformedRate", nameof(ModelFailure.BrokenStream))]
    [InlineData(ModelOptions.OpenAi, "disconnectRate", nameof(ModelFailure.BrokenStream))]
    [InlineData(ModelOptions.Anthropic, "dropRate", nameof(ModelFailure.Unavailable))]
    [InlineData(ModelOptions.Anthropic, "malformedRate", nameof(ModelFailure.BrokenStream))]
    [InlineData(ModelOptions.Anthropic, "disconnectRate", nameof(ModelFailure.BrokenStream))]
    public async Task Fault_IsRepeatedByThePolicyAndThenTold(string provider, string fault, string failure)
    {
        await using var mock = await StartAsync();
        await ChaosAsync(mock, new Dictionary<string, double> { [fault] = 1 });
        using var client = Client(mock, provider, options => options.MaxAttempts = 2);

        var error = await Should.ThrowAsync<ModelException>(() => client.AskAsync("hello"));

        error.Failure.ToString().ShouldBe(failure, error.Message);
        (await RequestsAsync(mock)).ShouldBe(2);
    }

    [Theory]
    [InlineData(ModelOptions.OpenAi)]
    [InlineData(ModelOptions.Anthropic)]
    public async Task BrokenStream_StartsTheTurnAgain(string provider)
    {
        await using var mock = await StartAsync();
        using var client = Client(mock, provider, options => options.MaxAttempts = 2);

        var error = await Should.ThrowAsync<ModelException>(() => client.AskAsync("cut off"));

        error.Failure.ShouldBe(ModelFailure.BrokenStream);
        client.Heard.ShouldContain("[reset]");
        (await RequestsAsync(mock)).ShouldBe(2);
    }

    [Theory]
    [InlineData(ModelOptions.OpenAi)]
    [InlineData(ModelOptions.Anthropic)]
    public async Task Run_GoesThroughTheSameLoopWithAModel(string provider)
    {
        await using var mock = await StartAsync();
        using var directory = new TemporaryDirectory();
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, RepositoryAnswers.Answer);
        await using var worker = await WorkerHost.StartAsync(directory.FullPath, gateway.Endpoint, settings: new Dictionary<string, string?>
        {
            ["Models:Provider"] = provider, ["Models:BaseUrl"] = BaseUrl(mock, provider), ["Models:Model"] = "gpt-4o-mini", ["Models:ApiKey"] = "sk-test",
        });

        var run = await worker.RunAsync("use tools", [BuiltInAgents.ConvoStarter]);

        run.State.ShouldBe(RunState.Completed, run.Agents[0].Error);
        var result = run.Agents[0].Result!;
        result.Content.ShouldBe("Both tools answered.");
        result.NextActions.ShouldBe(["Look at src/Orders.cs:40"]);
        result.Sources.ShouldBe(["src/Orders.cs:40"]);
        result.Confidence.ShouldBe(0.9);
        result.Metadata["model"].GetString().ShouldBe("gpt-4o-mini");
        run.Usage.InputTokens.ShouldNotBeNull().ShouldBeGreaterThan(0);
        run.Usage.CostUsd.ShouldBeNull("the price is not known");
        gateway.Calls.Count.ShouldBe(2);
    }

    private static Task<NodeProcess> StartAsync() => NodeProcess.StartAsync("openai-mock.mjs", [Fixtures], isReady: line => line.StartsWith("http", StringComparison.Ordinal));

    private static ModelClient Client(NodeProcess mock, string provider, Action<ModelOptions>? configure = null, TimeProvider? time = null) => new(
        BaseUrl(mock, provider),
        options =>
        {
            (options.Provider, options.ApiKey) = (provider, "sk-test");
            configure?.Invoke(options);
        },
        time);

    private static string BaseUrl(NodeProcess mock, string provider) => mock.ReadyLine + (provider == ModelOptions.Anthropic ? "" : "/v1");

    /// <summary>Asks while the clock runs ahead, so that no test waits for a real Retry-After.</summary>
    private static async Task<ModelException> FailAsync(ModelClient client)
    {
        var asking = Should.ThrowAsync<ModelException>(() => client.AskAsync("hello"));
        await Eventually.HoldsAsync(() =>
        {
            client.Clock!.Advance(TimeSpan.FromSeconds(0.5));
            return asking.IsCompleted;
        });
        return await asking;
    }

    private static async Task ChaosAsync(NodeProcess mock, object chaos)
    {
        using var http = new HttpClient();
        (await http.PostAsJsonAsync(mock.ReadyLine + "/__aimock/chaos", chaos, TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();
    }

    private static async Task<int> RequestsAsync(NodeProcess mock)
    {
        using var http = new HttpClient();
        var journal = await http.GetFromJsonAsync<JsonElement>(mock.ReadyLine + "/__aimock/journal", TestContext.Current.CancellationToken);
        return (journal.ValueKind == JsonValueKind.Array ? journal : journal.GetProperty("entries")).GetArrayLength();
    }
}
