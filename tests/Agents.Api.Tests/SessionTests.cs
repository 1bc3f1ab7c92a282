using System.Net;
using Agents.Api.Submit;
using Agents.Api.Tests.Hosting;

namespace Agents.Api.Tests;

/// <summary>The original system's routes. Each of its known defects that reaches this service has a test here.</summary>
public sealed class SessionTests(ApiFixture fixture)
{
    private ApiClient Api => fixture.Api;

    [Fact]
    public async Task Types_ListsTheAgents_WhenAsked()
    {
        var types = (await Api.GetAsync("/api/v1/agents/types")).Json;

        types.GetProperty("agent_types").EnumerateArray().Select(name => name.GetString())
            .ShouldBe(["simplifier", "tester", "convo_starter", "summarizer", "documentation"]);
        types.GetProperty("total_count").GetInt32().ShouldBe(5);
        types.GetProperty("descriptions").GetProperty("tester").GetString().ShouldNotBeNullOrEmpty();
    }

    [Fact]
    public async Task Execute_AnswersWithTheFourDefaultAgents_WhenNoneIsNamed()
    {
        var answer = await Api.PostAsync("/api/v1/agents/execute", """{"repository_name":"self","user_query":"What should be simplified first?"}""");

        answer.Status.ShouldBe(HttpStatusCode.OK, answer.Text);
        answer.String("status").ShouldBe("completed");
        answer.String("session_id").ShouldStartWith("run_");
        answer.Json.GetProperty("agent_count").GetInt32().ShouldBe(4);
        answer.Json.GetProperty("results").EnumerateObject().Select(result => result.Name).ShouldBe(["simplifier", "tester", "convo_starter", "summarizer"]);
        answer.Json.GetProperty("results").GetProperty("tester").GetProperty("content").GetString().ShouldBe("Merge the two parsers.");
        answer.String("message").ShouldBe("4 of 4 agents completed.");
    }

    [Fact]
    public async Task Execute_TellsStopReasonsAndRealUsage_WhenDone()
    {
        var answer = await Api.PostAsync("/api/v1/agents/execute", """{"repository_name":"self","user_query":"q","agent_types":["tester"]}""");

        var agent = answer.Json.GetProperty("agents")[0];
        agent.GetProperty("stop_reason").GetString().ShouldBe("finished");
        agent.GetProperty("usage").GetProperty("output_tokens").GetInt32().ShouldBe(20);
        answer.Json.GetProperty("usage").GetProperty("tool_calls").GetInt32().ShouldBe(1);
    }

    [Fact]
    public async Task Execute_KeepsTheOthersWhole_WhenOneAgentFails()
    {
        var answer = await Api.PostAsync("/api/v1/agents/execute", """{"repository_name":"self","user_query":"break","agent_types":["tester","summarizer"]}""");

        answer.Status.ShouldBe(HttpStatusCode.OK);
        answer.String("status").ShouldBe("completed_partial");
        answer.Json.GetProperty("results").GetProperty("tester").GetProperty("content").GetString().ShouldBe("No answer: the model refused");
        answer.Json.GetProperty("results").GetProperty("summarizer").GetProperty("content").GetString().ShouldBe("Merge the two parsers.");
        answer.String("message").ShouldStartWith("1 of 2 agents completed.");
    }

    [Fact]
    public void Answer_SaysThatToolsWereMissing_WhenAgentsCompletedWithoutThem()
    {
        var run = new AgentRun
        {
            Id = "run_1", Repository = "self", Query = "q", State = RunState.Completed, CreatedAt = DateTimeOffset.UnixEpoch,
            Agents =
            [
                new AgentExecution { Name = "tester", State = AgentState.Completed },
                new AgentExecution { Name = "summarizer", State = AgentState.Completed, Degraded = true, DegradedReason = "The tool gateway is unavailable: Connection refused" },
            ],
        };

        ExecuteAnswer.Of(run).Message.ShouldBe("2 of 2 agents completed. 1 without all their tools: The tool gateway is unavailable: Connection refused");
    }

    [Fact]
    public async Task Execute_RunsEachAgentOnce_WhenStreamed()
    {
        var answer = await Api.PostAsync("/api/v1/agents/execute/streaming", """{"repository_name":"self","user_query":"q","agent_types":["tester","summarizer"],"enable_streaming":true}""");

        answer.Status.ShouldBe(HttpStatusCode.OK);
        answer.ContentType.ShouldBe("text/event-stream");
        var frames = await SseFrames.ParseAsync(answer.Text);
        frames.Count(frame => frame.Event == "tool.call").ShouldBe(2);
        frames[^1].Event.ShouldBe("run.end");
        var run = answer.Response.Headers.Location!.ToString();
        run.ShouldBe($"/api/v1/runs/{frames[0].Json.GetProperty("data").GetProperty("run_id").GetString()}");
        (await Api.GetAsync(run)).String("state").ShouldBe("completed");
    }

    [Fact]
    public async Task Execute_AnswersAtOnce_WhenRunInBackground()
    {
        var answer = await Api.PostAsync("/api/v1/agents/execute", """{"repository_name":"self","user_query":"manual","agent_types":["tester"],"run_in_background":true}""");

        answer.Status.ShouldBe(HttpStatusCode.Accepted);
        answer.String("status").ShouldBe("started");
        var id = answer.String("session_id");
        answer.Response.Headers.Location!.ToString().ShouldBe($"/api/v1/agents/session/{id}");
        var lease = await fixture.Worker.TakenAsync(id);
        var running = (await Api.GetAsync($"/api/v1/agents/session/{id}")).Json;
        running.GetProperty("status").GetString().ShouldBe("running");
        running.TryGetProperty("results", out _).ShouldBeFalse();
        running.GetProperty("progress").GetRawText().ShouldBe("""{"total_agents":1,"completed_agents":0,"percentage":0}""");

        await fixture.Worker.CompleteAsync(lease);
        var done = (await Api.GetAsync($"/api/v1/agents/session/{id}")).Json;
        done.GetProperty("status").GetString().ShouldBe("completed");
        done.GetProperty("results").GetProperty("tester").GetProperty("next_actions")[0].GetString().ShouldBe("merge");
        done.GetProperty("progress").GetProperty("percentage").GetInt32().ShouldBe(100);
    }

    [Fact]
    public async Task Execute_GoesOnWithoutItsClient_WhenTheClientHangsUp()
    {
        using var hangUp = new CancellationTokenSource();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/agents/execute")
        {
            Content = new StringContent("""{"repository_name":"self","user_query":"manual hang-up","agent_types":["tester"]}""", System.Text.Encoding.UTF8, "application/json"),
        };
        var pending = Api.Http.SendAsync(request, hangUp.Token);
        var id = (await Eventually.SeesAsync(FindAsync, found => found?.Length > 0))!;
        var lease = await fixture.Worker.TakenAsync(id);

        await hangUp.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => pending);
        await fixture.Worker.CompleteAsync(lease);

        var session = await Api.GetAsync($"/api/v1/agents/session/{id}");
        session.String("status").ShouldBe("completed");

        async Task<string?> FindAsync() => (await Api.GetAsync("/api/v1/runs?limit=200")).Json.GetProperty("runs").EnumerateArray()
            .Where(run => run.GetProperty("query").GetString() == "manual hang-up").Select(run => run.GetProperty("id").GetString()).SingleOrDefault();
    }

    [Fact]
    public async Task Session_IsCancelled_WhenDeleted()
    {
        var id = (await Api.PostAsync("/api/v1/agents/execute", """{"repository_name":"self","user_query":"hold","run_in_background":true}""")).String("session_id");
        await fixture.Worker.TakenAsync(id);

        var answer = await Api.SendAsync(HttpMethod.Delete, $"/api/v1/agents/session/{id}");

        answer.Status.ShouldBe(HttpStatusCode.OK);
        answer.String("status").ShouldBe("cancelled");
        var session = (await Api.GetAsync($"/api/v1/agents/session/{id}")).Json;
        session.GetProperty("status").GetString().ShouldBe("cancelled");
        session.GetProperty("results").GetProperty("tester").GetProperty("content").GetString()!.ShouldContain("cancelled");
    }

    [Fact]
    public async Task Single_StreamsOrAnswers_AsAsked()
    {
        var streamed = await Api.PostAsync("/api/v1/agents/execute/single", """{"repository_name":"self","user_query":"q","agent_type":"documentation"}""");
        var answered = await Api.PostAsync("/api/v1/agents/execute/single", """{"repository_name":"self","user_query":"q","agent_type":"documentation","enable_streaming":false}""");

        streamed.ContentType.ShouldBe("text/event-stream");
        (await SseFrames.ParseAsync(streamed.Text))[^1].Event.ShouldBe("run.end");
        answered.String("status").ShouldBe("completed");
        answered.String("agent_type").ShouldBe("documentation");
        answered.Json.GetProperty("result").GetProperty("content").GetString().ShouldBe("Merge the two parsers.");
    }
}
