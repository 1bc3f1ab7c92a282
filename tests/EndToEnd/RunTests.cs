using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Shouldly;
using Testing;

namespace EndToEnd;

public sealed class RunTests(RunningSystem system) : IClassFixture<RunningSystem>
{
    private static readonly string[] s_agents = ["simplifier", "tester", "convo_starter", "summarizer"];

    [Fact]
    public async Task Execute_AnswersTrueFindings_OnThisSolution()
    {
        var answer = await ExecuteAsync("self", "What should be simplified first?");

        answer["status"]!.ToString().ShouldBe("completed");
        answer["agent_count"]!.GetValue<int>().ShouldBe(4);
        var results = answer["results"]!.AsObject();
        results.Select(result => result.Key).ShouldBe(s_agents, ignoreOrder: true);
        foreach (var (agent, result) in results) AgentUsedTools(agent, result!, RepositoryRoot.Find());
        Finding.In(results["simplifier"]!["suggestions_table"]!.ToString()).ShouldNotBeEmpty();
        results["convo_starter"]!["next_actions"]!.AsArray().ShouldNotBeEmpty();
        results["summarizer"]!["condensed_summary"]!.ToString().ShouldNotBeNullOrWhiteSpace();
    }

    [Fact]
    public async Task Execute_FindsWhatIsThere_InAnotherRepository()
    {
        var answer = await ExecuteAsync("sample", "What should be simplified first?");

        var results = answer["results"]!.AsObject();
        foreach (var (agent, result) in results) AgentUsedTools(agent, result!, system.Sample.Path);
        var suggestions = results["simplifier"]!["suggestions_table"]!.ToString();
        suggestions.ShouldContain("src/Basket.cs:");
        suggestions.ShouldContain("src/PriceList.cs:");
        var tests = results["tester"]!["content"]!.ToString();
        tests.ShouldContain($"`{SampleRepository.Untested}`");
        tests.ShouldNotContain($"`{SampleRepository.Tested}`");
        results["tester"]!["test_files_created"]!.AsArray().ShouldBeEmpty();
    }

    [Fact]
    public async Task Run_KeepsEventsAndUsage_AfterItHasEnded()
    {
        var answer = await ExecuteAsync("sample", "What is sold here?");
        var id = answer["session_id"]!.ToString();

        var run = (await system.Api.GetFromJsonAsync<JsonObject>($"/api/v1/runs/{id}", TestContext.Current.CancellationToken))!;
        run["state"]!.ToString().ShouldBe("completed");
        foreach (var agent in run["agents"]!.AsArray())
        {
            agent!["stop_reason"]!.ToString().ShouldBe("finished");
            agent["usage"]!["tool_calls"]!.GetValue<int>().ShouldBeGreaterThan(0);
        }

        var events = await system.Api.GetStringAsync($"/api/v1/runs/{id}/events", TestContext.Current.CancellationToken);
        events.ShouldContain("event: tool.result");
        events.TrimEnd().Split('\n').ShouldContain("event: run.end");
    }

    [Fact]
    public async Task Execute_NamesTheRepository_WhenItIsUnknown()
    {
        using var response = await system.Api.PostAsJsonAsync("/api/v1/agents/execute", new { repository_name = "nowhere", user_query = "?" }, TestContext.Current.CancellationToken);

        response.StatusCode.ShouldBeOneOf(HttpStatusCode.BadRequest, HttpStatusCode.NotFound);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
        var problem = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        problem.ShouldContain("nowhere");
        problem.ShouldContain("sample");
    }

    [Fact]
    public async Task Gateway_HasOneWarmSharedProcess_AfterTheRuns()
    {
        await ExecuteAsync("sample", "What is sold here?");

        var repository = (await system.Gateway.GetFromJsonAsync<JsonObject>("/upstreams/repository", TestContext.Current.CancellationToken))!;
        repository["state"]!.ToString().ShouldBe("ready");
        repository["tools"]!.GetValue<int>().ShouldBe(9);
        repository["pool"]!["total"]!.GetValue<int>().ShouldBe(1);
        repository["pool"]!["leased"]!.GetValue<int>().ShouldBe(0);
        repository["timeline"]!.AsArray().Count(step => step!["what"]!.ToString() == "session opened").ShouldBe(1);
    }

    private static void AgentUsedTools(string agent, JsonNode result, string repository)
    {
        result["metadata"]!["tool_calls"]!.GetValue<int>().ShouldBeGreaterThan(0, agent);
        result["metadata"]!["tool_errors"]!.GetValue<int>().ShouldBe(0, agent);
        result["metadata"]!["mode"]!.ToString().ShouldBe("offline");
        var sources = result["sources"]!.AsArray().Select(source => source!.ToString()).ToArray();
        sources.ShouldNotBeEmpty(agent);
        foreach (var source in sources) Finding.In(source).ShouldHaveSingleItem(source).ExistsIn(repository).ShouldBeTrue(source);
    }

    private async Task<JsonObject> ExecuteAsync(string repository, string query)
    {
        using var response = await system.Api.PostAsJsonAsync("/api/v1/agents/execute", new { repository_name = repository, user_query = query }, TestContext.Current.CancellationToken);
        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        response.StatusCode.ShouldBe(HttpStatusCode.OK, body);
        return JsonSerializer.Deserialize<JsonObject>(body)!;
    }
}
