using System.Net;
using Agents.Api.Tests.Hosting;

namespace Agents.Api.Tests;

/// <summary>The header Idempotency-Key: a client that does not know whether its request arrived sends it again.</summary>
public sealed class RepetitionTests
{
    private const string Body = """{"repository":"self","query":"manual","metadata":{"a":"b"}}""";

    [Theory]
    [InlineData("sqlite")]
    [InlineData("redis")]
    public async Task Repetition_GetsTheFirstRun_WhicheverApiItAsks(string store)
    {
        await using var host = await ApiHost.OpenAsync(store);
        var (one, two) = (await host.StartAsync(), await host.StartAsync());

        var first = await one.PostAsync("/api/v1/runs", Body, ("Idempotency-Key", "\"order-1\""));
        var again = await two.PostAsync("/api/v1/runs", """{ "metadata": {"a":"b"}, "query": "manual", "repository": "self" }""", ("Idempotency-Key", "order-1"));
        var other = await two.PostAsync("/api/v1/runs", Body, ("Idempotency-Key", "\"order-2\""));

        first.Status.ShouldBe(HttpStatusCode.Accepted);
        first.Response.Headers.Contains("Idempotent-Replayed").ShouldBeFalse();
        again.Status.ShouldBe(HttpStatusCode.OK, again.Text);
        again.String("id").ShouldBe(first.String("id"));
        again.Response.Headers.Location!.ToString().ShouldBe($"/api/v1/runs/{first.String("id")}");
        again.Response.Headers.GetValues("Idempotent-Replayed").ShouldBe(["true"]);
        other.Status.ShouldBe(HttpStatusCode.Accepted);
        other.String("id").ShouldNotBe(first.String("id"));
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("redis")]
    public async Task Key_IsRefused_WhenItComesWithAnotherRequest(string store)
    {
        await using var host = await ApiHost.OpenAsync(store);
        var api = await host.StartAsync();
        await api.PostAsync("/api/v1/runs", Body, ("Idempotency-Key", "\"order\""));

        var reused = await api.PostAsync("/api/v1/runs", """{"repository":"self","query":"another"}""", ("Idempotency-Key", "\"order\""));

        reused.Status.ShouldBe(HttpStatusCode.UnprocessableEntity);
        reused.ContentType.ShouldBe("application/problem+json");
        (await api.GetAsync("/api/v1/runs")).Json.GetProperty("runs").GetArrayLength().ShouldBe(1);
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("redis")]
    public async Task ManyAtOnce_MakeOneRunPerKey(string store)
    {
        const int Submits = 300, Keys = 30;
        await using var host = await ApiHost.OpenAsync(store);
        ApiClient[] apis = [await host.StartAsync(), await host.StartAsync()];

        var answers = await Task.WhenAll(Enumerable.Range(0, Submits).Select(async i =>
            (Key: i % Keys, Answer: await apis[i % 2].PostAsync("/api/v1/runs", Body, ("Idempotency-Key", $"\"{i % Keys}\"")))));

        answers.ShouldAllBe(answer => answer.Answer.Status == HttpStatusCode.Accepted || answer.Answer.Status == HttpStatusCode.OK);
        foreach (var key in answers.GroupBy(answer => answer.Key))
            key.Select(answer => answer.Answer.String("id")).Distinct().ShouldHaveSingleItem();
        answers.Count(answer => answer.Answer.Status == HttpStatusCode.Accepted).ShouldBe(Keys);
        (await apis[0].GetAsync("/api/v1/runs?limit=200")).Json.GetProperty("runs").GetArrayLength().ShouldBe(Keys);
    }

    [Fact]
    public async Task OriginalRoutes_HeedTheKeyToo()
    {
        await using var host = await ApiHost.OpenAsync("sqlite");
        var api = await host.StartAsync();
        _ = host.Worker;
        const string Ask = """{"repository_name":"self","user_query":"q","agent_types":["tester"]}""";

        var first = await api.PostAsync("/api/v1/agents/execute", Ask, ("Idempotency-Key", "\"k\""));
        var again = await api.PostAsync("/api/v1/agents/execute", Ask, ("Idempotency-Key", "\"k\""));
        var streamed = await api.PostAsync("/api/v1/agents/execute/streaming", Ask, ("Idempotency-Key", "\"k\""));
        var reused = await api.PostAsync("/api/v1/agents/execute", Ask.Replace("\"q\"", "\"p\"", StringComparison.Ordinal), ("Idempotency-Key", "\"k\""));

        first.String("status").ShouldBe("completed");
        again.String("session_id").ShouldBe(first.String("session_id"));
        streamed.Response.Headers.Location!.ToString().ShouldEndWith(first.String("session_id"));
        reused.Status.ShouldBe(HttpStatusCode.UnprocessableEntity);
    }
}
