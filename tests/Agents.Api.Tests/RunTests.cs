using System.Net;
using Agents.Api.Tests.Hosting;

namespace Agents.Api.Tests;

public sealed class RunTests(ApiFixture fixture)
{
    private ApiClient Api => fixture.Api;

    [Fact]
    public async Task Submit_AnswersWhereTheRunIs_WhenAccepted()
    {
        var answer = await Api.PostAsync("/api/v1/runs", """
            {"repository":"SELF","query":"manual q","agents":["tester"],"context":{"a":[1]},"input":{"analysis_depth":"deep"},
             "budget":{"max_tool_calls":7},"tools":{"deny":["qa_codebase"]},"conversation_id":"c1","metadata":{"team":"blue"}}
            """);

        answer.Status.ShouldBe(HttpStatusCode.Accepted);
        answer.Response.Headers.Location!.ToString().ShouldBe($"/api/v1/runs/{answer.String("id")}");
        var run = (await Api.GetAsync(answer.Response.Headers.Location.ToString())).Json;
        run.GetProperty("repository").GetString().ShouldBe("self");
        run.GetProperty("agents")[0].GetProperty("name").GetString().ShouldBe("tester");
        run.GetProperty("context").GetRawText().ShouldBe("""{"a":[1]}""");
        run.GetProperty("input").GetProperty("analysis_depth").GetString().ShouldBe("deep");
        run.GetProperty("budget").GetProperty("max_tool_calls").GetInt32().ShouldBe(7);
        run.GetProperty("budget").GetProperty("time_budget_s").GetInt32().ShouldBe(120);
        run.GetProperty("tools").GetProperty("deny")[0].GetString().ShouldBe("qa_codebase");
        run.GetProperty("conversation_id").GetString().ShouldBe("c1");
        run.GetProperty("metadata").GetProperty("team").GetString().ShouldBe("blue");
        run.GetProperty("trace_parent").GetString()!.ShouldStartWith("00-");
    }

    [Fact]
    public async Task Run_HasResultsAndUsage_WhenItsWorkerIsDone()
    {
        var id = await Api.SubmitAsync("anything");

        var run = (await Api.EndedAsync(id)).Json;

        run.GetProperty("state").GetString().ShouldBe("completed");
        run.GetProperty("usage").GetProperty("input_tokens").GetInt32().ShouldBe(200);
        run.GetProperty("usage").GetProperty("cost_usd").ValueKind.ShouldBe(System.Text.Json.JsonValueKind.Null);
        var agent = run.GetProperty("agents")[0];
        agent.GetProperty("stop_reason").GetString().ShouldBe("finished");
        agent.GetProperty("result").GetProperty("agent_type").GetString().ShouldBe("tester");
        agent.GetProperty("result").GetProperty("confidence").ValueKind.ShouldBe(System.Text.Json.JsonValueKind.Null);
    }

    [Fact]
    public async Task List_PagesNewestFirstByState_WhenAsked()
    {
        var ids = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            ids.Insert(0, await Api.SubmitAsync("anything"));
            await Api.EndedAsync(ids[0]);
        }

        var first = (await Api.GetAsync("/api/v1/runs?state=completed&limit=2")).Json;
        var next = first.GetProperty("next").GetString();
        var second = (await Api.GetAsync($"/api/v1/runs?state=completed&limit=200&cursor={next}")).Json;

        var listed = first.GetProperty("runs").EnumerateArray().Concat(second.GetProperty("runs").EnumerateArray()).ToList();
        listed.ShouldAllBe(run => run.GetProperty("state").GetString() == "completed");
        // Other tests submit meanwhile, so only the order is sure.
        var order = listed.Select(run => run.GetProperty("id").GetString()!).Where(ids.Contains).ToList();
        order.ShouldBe(ids.Where(order.Contains));
        order.ShouldContain(ids[^1]);
        listed[0].GetProperty("agents")[0].TryGetProperty("result", out _).ShouldBeFalse();
    }

    [Fact]
    public async Task ToolCall_IsReadWhole_WhenItEnded()
    {
        var id = await Api.SubmitAsync("anything");
        await Api.EndedAsync(id);

        var call = (await Api.GetAsync($"/api/v1/runs/{id}/tool-calls/1")).Json;

        call.GetProperty("tool").GetString().ShouldBe("search_code");
        call.GetProperty("result").GetString().ShouldBe(ScriptedWorker.ToolResult);
        call.GetProperty("is_error").GetBoolean().ShouldBeFalse();
        (await Api.GetAsync($"/api/v1/runs/{id}/tool-calls/99")).Status.ShouldBe(HttpStatusCode.NotFound);
        var calls = (await Api.GetAsync($"/api/v1/runs/{id}/tool-calls")).Json.GetProperty("tool_calls").EnumerateArray().ToList();
        calls.Select(listed => (listed.GetProperty("number").GetInt32(), listed.GetProperty("agent").GetString())).ShouldBe([(1, "tester"), (2, "simplifier")]);
        calls.Exists(listed => listed.TryGetProperty("result", out _)).ShouldBeFalse();
    }

    [Fact]
    public async Task Cancel_EndsTheRunWithinASecond_WhenItsWorkerIsAnotherProcess()
    {
        var id = await Api.SubmitAsync("hold on");
        await fixture.Worker.TakenAsync(id);
        using var events = await Api.OpenAsync($"/api/v1/runs/{id}/events");
        var clock = TimeProvider.System;

        var asked = clock.GetTimestamp();
        var answer = await Api.SendAsync(HttpMethod.Post, $"/api/v1/runs/{id}/cancel");
        var frames = await events.AllAsync();
        var took = clock.GetElapsedTime(asked);

        answer.Status.ShouldBe(HttpStatusCode.Accepted);
        answer.Json.GetProperty("cancel_requested").GetBoolean().ShouldBeTrue();
        frames[^1].Event.ShouldBe("run.end");
        frames[^1].Json.GetProperty("data").GetProperty("state").GetString().ShouldBe("cancelled");
        took.ShouldBeLessThan(TimeSpan.FromSeconds(1));
        (await Api.SendAsync(HttpMethod.Post, $"/api/v1/runs/{id}/cancel")).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Delete_EndsTheRunAndTakesEverythingAlong_WhenItIsAtWork()
    {
        var id = await Api.SubmitAsync("hold on");
        await fixture.Worker.TakenAsync(id);
        var events = await Api.OpenAsync($"/api/v1/runs/{id}/events");

        (await Api.SendAsync(HttpMethod.Delete, $"/api/v1/runs/{id}")).Status.ShouldBe(HttpStatusCode.NoContent);

        (await events.AllAsync()).ShouldNotBeEmpty();
        (await Api.GetAsync($"/api/v1/runs/{id}")).Status.ShouldBe(HttpStatusCode.NotFound);
        (await Api.GetAsync($"/api/v1/runs/{id}/events")).Status.ShouldBe(HttpStatusCode.NotFound);
        (await Api.SendAsync(HttpMethod.Delete, $"/api/v1/runs/{id}")).Status.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Delete_IsAskedAgainLater_WhenTheWorkerDoesNotStop()
    {
        var id = await Api.SubmitAsync("manual work");
        var lease = await fixture.Worker.TakenAsync(id);

        var tooEarly = await Api.SendAsync(HttpMethod.Delete, $"/api/v1/runs/{id}");
        await fixture.Worker.CompleteAsync(lease);
        var deleted = await Api.SendAsync(HttpMethod.Delete, $"/api/v1/runs/{id}");

        tooEarly.Status.ShouldBe(HttpStatusCode.Conflict);
        tooEarly.ContentType.ShouldBe("application/problem+json");
        tooEarly.String("detail").ShouldContain("being cancelled");
        tooEarly.Response.Headers.RetryAfter.ShouldNotBeNull();
        deleted.Status.ShouldBe(HttpStatusCode.NoContent);
    }

    [Fact]
    public async Task Submits_AreAllKept_WhenManyComeAtOnce()
    {
        var ids = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => Api.SubmitAsync("anything")));

        ids.Distinct().Count().ShouldBe(40);
        foreach (var id in ids)
            (await Api.EndedAsync(id)).String("state").ShouldBe("completed");
    }
}
