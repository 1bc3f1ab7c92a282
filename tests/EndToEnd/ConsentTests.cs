using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Shouldly;

namespace EndToEnd;

/// <summary>What users add to a run, through the whole system: consent to tool calls, and agents of their own.</summary>
public sealed class ConsentTests(RunningSystem system) : IClassFixture<RunningSystem>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("approve", true)]
    [InlineData("deny", false)]
    public async Task Tool_IsUsedAsWasDecided(string decision, bool used)
    {
        var run = await SubmitAsync(new { repository = "sample", query = "What is untested?", agents = new[] { "tester" }, tools = new { require_approval = new[] { "find_untested" } } });
        run["state"]!.ToString().ShouldBe("waiting_approval");
        var id = run["id"]!.ToString();

        while (run["state"]!.ToString() == "waiting_approval")
        {
            var pending = run["approvals"]!.AsArray().First(approval => approval!["state"]!.ToString() == "pending")!;
            pending["tool"]!.ToString().ShouldBe("repository__find_untested");
            using var decided = await system.Api.PostAsJsonAsync($"/api/v1/runs/{id}/approvals/{pending["id"]}", new { decision, reason = "because" }, Cancel);
            decided.StatusCode.ShouldBe(HttpStatusCode.OK);
            run = await ReadAsync(id);
        }

        run["state"]!.ToString().ShouldBe("completed", run["error"]?.ToString());
        run["agents"]![0]!["result"]!["content"]!.ToString().Contains($"`{SampleRepository.Untested}`", StringComparison.Ordinal).ShouldBe(used);
    }

    [Fact]
    public async Task UsersAgent_AnswersLikeTheOthers()
    {
        const string Definition = "---\nname: reviewer\ndescription: Reviews.\ntools: [\"repository__*\"]\n---\nReview the code.\n";
        using var created = await system.Api.PostAsJsonAsync("/api/v1/agents", new { definition = Definition }, Cancel);
        created.StatusCode.ShouldBe(HttpStatusCode.Created, await created.Content.ReadAsStringAsync(Cancel));

        var run = await SubmitAsync(new { repository = "sample", query = "Where is the price list?", agents = new[] { "reviewer" } });

        run["state"]!.ToString().ShouldBe("completed", run.ToJsonString());
        var agent = run["agents"]![0]!;
        agent["version"]!.ToString().ShouldBe("1");
        agent["usage"]!["tool_calls"]!.GetValue<int>().ShouldBeGreaterThan(0);
        agent["result"]!["content"]!.ToString().ShouldNotBeNullOrWhiteSpace();
    }

    private async Task<JsonObject> SubmitAsync(object body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/runs") { Content = JsonContent.Create(body) };
        request.Headers.Add("Prefer", "wait=180");
        using var answer = await system.Api.SendAsync(request, Cancel);
        answer.IsSuccessStatusCode.ShouldBeTrue(await answer.Content.ReadAsStringAsync(Cancel));
        return (await answer.Content.ReadFromJsonAsync<JsonObject>(Cancel))!;
    }

    private async Task<JsonObject> ReadAsync(string id)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/v1/runs/{id}");
        request.Headers.Add("Prefer", "wait=180");
        using var answer = await system.Api.SendAsync(request, Cancel);
        return (await answer.Content.ReadFromJsonAsync<JsonObject>(Cancel))!;
    }
}
