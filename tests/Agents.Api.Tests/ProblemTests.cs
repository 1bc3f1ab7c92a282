using Agents.Api.Tests.Hosting;

namespace Agents.Api.Tests;

/// <summary>Every error is a problem of RFC 9457 that names what is wrong and what would be right.</summary>
public sealed class ProblemTests(ApiFixture fixture)
{
    public static TheoryData<string, string, string?, int, string?, string> Cases => new()
    {
        // method, path, body, status, field, what the message must name
        { "GET", "/nowhere", null, 404, null, "/openapi/v1.json" },
        { "GET", "/api/v1/runs/run_none", null, 404, null, "run_none" },
        { "GET", "/api/v1/runs/run_none/events", null, 404, null, "run_none" },
        { "POST", "/api/v1/runs/run_none/cancel", null, 404, null, "run_none" },
        { "DELETE", "/api/v1/runs/run_none", null, 404, null, "run_none" },
        { "GET", "/api/v1/runs/run_none/tool-calls/1", null, 404, null, "tool call 1" },
        { "GET", "/api/v1/runs/run_none/tool-calls", null, 404, null, "run_none" },
        { "GET", "/api/v1/runs/run_none/tool-calls/x", null, 404, null, "not served" },
        { "GET", "/api/v1/agents/session/none", null, 404, null, "none" },
        { "DELETE", "/api/v1/agents/session/none", null, 404, null, "none" },
        { "PUT", "/api/v1/runs", "{}", 405, null, "POST" },
        { "DELETE", "/api/v1/agents/execute", null, 405, null, "POST" },
        { "GET", "/api/v1/runs?state=sleeping", null, 400, "state", "completed_partial" },
        { "GET", "/api/v1/runs?limit=0", null, 400, "limit", "1 to 200" },
        { "GET", "/api/v1/runs?limit=-1", null, 400, "limit", "'-1'" },
        { "GET", "/api/v1/runs?cursor=abc", null, 400, "cursor", "'abc'" },
        { "GET", "/api/v1/runs?created_after=yesterday", null, 400, "created_after", "'yesterday'" },
        { "GET", "/api/v1/runs?created_before=2026-01-01T00:00:00", null, 400, "created_before", "offset" },
        { "GET", "/api/v1/runs?conversation=c1", null, 400, "conversation", "conversation_id" },
        { "GET", "/api/v1/conversations/c1?limit=201", null, 400, "limit", "1 to 200" },
        { "POST", "/api/v1/runs", "", 400, "body", "empty" },
        { "POST", "/api/v1/runs", "{\"query\":", 400, "body", "line 1" },
        { "POST", "/api/v1/runs", "[]", 400, "body", "JSON object" },
        { "POST", "/api/v1/runs", "null", 400, "body", "JSON object" },
        { "POST", "/api/v1/runs", """{"repository":"self","repository":"other","query":"q"}""", 400, "body", "repository" },
        { "POST", "/api/v1/runs", "{}", 400, "query", "missing" },
        { "POST", "/api/v1/runs", "{}", 400, "repository", "self" },
        { "POST", "/api/v1/runs", """{"repository":"nope","query":"q"}""", 400, "repository", "'nope' is not configured. Configured: Other, self." },
        { "POST", "/api/v1/runs", """{"repository":"nope","query":"q"}""", 400, "repository", "--repository name=path" },
        { "POST", "/api/v1/runs", """{"repository":"self","query":"q","agents":[]}""", 400, "agents", "empty" },
        { "POST", "/api/v1/runs", """{"repository":"self","query":"q","agents":["poet"]}""", 400, "agents", "simplifier" },
        { "POST", "/api/v1/runs", """{"repository":"self","query":"q","agents":["tester","tester"]}""", 400, "agents", "'tester'" },
        { "POST", "/api/v1/runs", """{"repository":"self","query":"q","webhoock":"x"}""", 400, "webhoock", "not known" },
        { "POST", "/api/v1/runs", """{"Repository":"self","query":"q"}""", 400, "Repository", "repository" },
        { "POST", "/api/v1/runs", """{"repository":7,"query":"q"}""", 400, "repository", "7 is not a text" },
        { "POST", "/api/v1/runs", """{"repository":"self","query":"q","context":"x"}""", 400, "context", "JSON object" },
        { "POST", "/api/v1/runs", """{"repository":"self","query":"q","budget":{"max_tool_calls":51}}""", 400, "budget.max_tool_calls", "51" },
        { "POST", "/api/v1/runs", """{"repository":"self","query":"q","budget":{"max_tool_calls":2,"max_depth":3}}""", 400, "budget.max_tool_calls", "max_depth (3)" },
        { "POST", "/api/v1/runs", """{"repository":"self","query":"q","budget":{"time_budget_s":1.5}}""", 400, "budget.time_budget_s", "whole number" },
        { "POST", "/api/v1/runs", """{"repository":"self","query":"q","budget":{"max_depth":null}}""", 400, "budget.max_depth", "whole number" },
        { "POST", "/api/v1/runs", """{"repository":"self","query":"q","tools":{"allow":["a",null]}}""", 400, "tools.allow[1]", "null" },
        { "POST", "/api/v1/runs", """{"repository":"self","query":"q","metadata":{"a":1}}""", 400, "metadata.a", "text" },
        { "POST", "/api/v1/runs", """{"repository":"self","query":"q","input":{"target_files":["../secret"]}}""", 400, "input.target_files", "../secret" },
        { "POST", "/api/v1/runs", """{"repository":"self","query":"q","input":{"target_files":["/etc/passwd"]}}""", 400, "input.target_files", "inside the repository" },
        { "POST", "/api/v1/runs", """{"repository":"self","query":"\ud800"}""", 400, "body", "surrogate" },
        { "POST", "/api/v1/runs", """{"repository":"self","query":"q","\ud800":1}""", 400, "body", "surrogate" },
        { "POST", "/api/v1/runs", """{"repository":"self","query":"q","context":{"a":["\udc00"]}}""", 400, "body", "surrogate" },
        { "POST", "/api/v1/runs", """{"repository":"self","query":"q","metadata":{"\ud800":"x"}}""", 400, "body", "surrogate" },
        { "POST", "/api/v1/runs", """{"repository":"self","query":"q","tools":{"require_approval":[""]}}""", 400, "tools.require_approval", "1 to 200" },
        { "POST", "/api/v1/runs", """{"repository":"self","query":"q","webhook":{"url":"https://example.com/x"}}""", 400, "webhook", "Webhooks:Secrets:0" },
        { "POST", "/api/v1/runs", """{"repository":"self","query":"q","webhook":{"url":"ftp://example.com/x"}}""", 400, "webhook.url", "http or https" },
        { "POST", "/api/v1/runs", """{"repository":"self","query":"q","webhook":{"url":"https://a:b@example.com/x"}}""", 400, "webhook.url", "password" },
        { "POST", "/api/v1/runs", """{"repository":"self","query":"q","webhook":{"url":"http://169.254.169.254/latest"}}""", 400, "webhook.url", "169.254.169.254" },
        { "POST", "/api/v1/runs/run_none/approvals/a", """{"decision":"approve"}""", 404, null, "'a'" },
        { "POST", "/api/v1/runs/run_none/approvals/a", """{"decision":"maybe"}""", 400, "decision", "'maybe'" },
        { "POST", "/api/v1/agents/execute", """{"repository_name":"nope","user_query":"q"}""", 400, "repository_name", "'nope'" },
        { "POST", "/api/v1/agents/execute", """{"repository_name":"self"}""", 400, "user_query", "missing" },
        { "POST", "/api/v1/agents/execute", """{"repository_name":"self","user_query":"q","agent_types":[]}""", 400, "agent_types", "empty" },
        { "POST", "/api/v1/agents/execute", """{"repository_name":"self","user_query":"q","target_files":["../x"]}""", 400, "target_files", "../x" },
        { "POST", "/api/v1/agents/execute", """{"repository_name":"self","user_query":"q","run_in_background":"yes"}""", 400, "run_in_background", "true or false" },
        { "POST", "/api/v1/agents/execute/streaming", """{"repository_name":"self","user_query":"q","agent_types":["x"]}""", 400, "agent_types", "'x'" },
        { "POST", "/api/v1/agents/execute/single", """{"repository_name":"self","user_query":"q"}""", 400, "agent_type", "missing" },
        { "POST", "/api/v1/agents/execute/single", """{"repository_name":"self","user_query":"q","agent_type":"x"}""", 400, "agent_type", "'x'" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Error_IsAProblemThatNamesItsCause_WhenAnythingIsWrong(string method, string path, string? body, int status, string? field, string named)
    {
        var answer = await fixture.Api.SendAsync(new HttpMethod(method), path, body);

        ((int)answer.Status).ShouldBe(status, answer.Text);
        answer.ContentType.ShouldBe("application/problem+json");
        answer.Json.GetProperty("status").GetInt32().ShouldBe(status);
        answer.String("title").ShouldNotBeEmpty();
        answer.String("detail").ShouldContain(named);
        if (field is not null)
            answer.Json.GetProperty("errors").GetProperty(field).EnumerateArray().Select(text => text.GetString()).ShouldContain(text => text!.Contains(named));
    }

    [Theory]
    [InlineData("Prefer", "wait=0", "1 to 200")]
    [InlineData("Prefer", "wait=201", "'201'")]
    [InlineData("Prefer", "wait", "''")]
    [InlineData("Prefer", "respond-async, WAIT=soon; x=1", "'soon'")]
    [InlineData("Idempotency-Key", "", "1 to 255")]
    [InlineData("Idempotency-Key", "\"\"", "1 to 255")]
    [InlineData("Idempotency-Key", "\"a\", \"b\"", "once")]
    [InlineData("Idempotency-Key", "a, b", "once")]
    [InlineData("Idempotency-Key", "\"a\\b\"", "visible ASCII")]
    public async Task Header_IsRefusedByName_WhenItCannotBeHeeded(string header, string value, string named)
    {
        var answer = await fixture.Api.PostAsync("/api/v1/runs", """{"repository":"self","query":"manual"}""", (header, value));

        ((int)answer.Status).ShouldBe(400, answer.Text);
        answer.Json.GetProperty("errors").GetProperty(header)[0].GetString()!.ShouldContain(named);
    }

    [Fact]
    public async Task Errors_AreToldAllAtOnce_WhenThereAreMany()
    {
        var answer = await fixture.Api.PostAsync("/api/v1/runs", """{"repository":"x","agents":["y"],"budget":{"max_depth":0}}""");

        answer.Json.GetProperty("errors").EnumerateObject().Select(error => error.Name).ShouldBe(["repository", "query", "agents", "budget.max_depth"], ignoreOrder: true);
    }

    [Fact]
    public async Task Body_IsRefused_WhenItIsTooLarge()
    {
        var answer = await fixture.Api.PostAsync("/api/v1/runs", $$"""{"query":"{{new string('x', 2_000_000)}}"}""");

        ((int)answer.Status).ShouldBe(413);
        answer.ContentType.ShouldBe("application/problem+json");
        answer.String("detail").ShouldContain("1024 KiB");
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    public async Task Body_IsRefused_WhenItIsNotJson(string contentType)
    {
        var answer = await fixture.Api.SendAsync(HttpMethod.Post, "/api/v1/agents/execute", """{"repository_name":"self","user_query":"q"}""", contentType);

        ((int)answer.Status).ShouldBe(415);
        answer.ContentType.ShouldBe("application/problem+json");
        answer.String("detail").ShouldContain(contentType);
    }

    [Theory]
    [InlineData("abc")]
    [InlineData("-1")]
    [InlineData("1.5.2")]
    public async Task Resume_IsRefused_WhenTheIdIsNoEventsId(string id)
    {
        var run = await fixture.Api.SubmitAsync("anything");

        var byHeader = await fixture.Api.SendAsync(HttpMethod.Get, $"/api/v1/runs/{run}/events", lastEventId: id);
        var byQuery = await fixture.Api.GetAsync($"/api/v1/runs/{run}/events?after={id}");

        byHeader.Json.GetProperty("errors").TryGetProperty("Last-Event-ID", out _).ShouldBeTrue(byHeader.Text);
        byQuery.Json.GetProperty("errors").TryGetProperty("after", out _).ShouldBeTrue(byQuery.Text);
    }

    [Fact]
    public async Task Error_IsAProblem_WhenTheClientOnlyAcceptsHtml()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/nowhere");
        request.Headers.Accept.ParseAdd("text/html");

        using var response = await fixture.Api.Http.SendAsync(request, TestContext.Current.CancellationToken);

        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
    }
}
