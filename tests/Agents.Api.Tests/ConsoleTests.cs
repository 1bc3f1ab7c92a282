using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Agents.Api.Tests.Hosting;

namespace Agents.Api.Tests;

public sealed partial class ConsoleTests(ApiFixture fixture)
{
    private ApiClient Api => fixture.Api;

    [Fact]
    public async Task Page_ShowsTheLastRunsWithoutScript_WhenOpened()
    {
        var id = await Api.SubmitAsync("break <script>alert(1)</script> & {{runs}}");
        await Api.EndedAsync(id);

        var page = await Api.GetAsync("/");

        page.ContentType.ShouldBe("text/html");
        page.Text.ShouldContain($"/api/v1/runs/{id}");
        page.Text.ShouldContain("&lt;script&gt;alert(1)&lt;/script&gt; &amp; {{runs}}");
        page.Text.ShouldContain("completed partial");
        page.Text.ShouldContain("the model refused");
        page.Text.ShouldContain("finished · 1 tool call<");
        page.Text.ShouldContain("curl -s");
    }

    [Fact]
    public async Task Page_SaysWhatWaitsForApproval()
    {
        await using var host = await ApiHost.OpenAsync("sqlite");
        var api = await host.StartAsync();
        var id = await api.SubmitAsync("manual");
        var lease = await host.Worker.TakenAsync(id);
        await host.Store.RequestApprovalsAsync(lease, [new ApprovalRequest("tester-1-1", "tester", "<rm>", JsonSerializer.Deserialize<JsonElement>("{}"))], CancellationToken.None);

        var page = (await api.GetAsync("/")).Text;
        await host.Store.DecideApprovalAsync(id, "tester-1-1", new ApprovalDecision(true, null, null), CancellationToken.None);

        page.ShouldContain("tester waits for approval of &lt;rm&gt; (tester-1-1)");
        (await api.GetAsync("/console/runs")).Text.ShouldNotContain("(tester-1-1)");
    }

    [Fact]
    public async Task Page_TakesNothingFromElsewhere_WhenOpened()
    {
        var page = await Api.GetAsync("/");

        page.Response.Headers.GetValues("Content-Security-Policy").Single().ShouldStartWith("default-src 'none'");
        page.Response.Headers.GetValues("X-Content-Type-Options").Single().ShouldBe("nosniff");
        Reference().Matches(page.Text).Select(match => match.Groups[1].Value).ShouldAllBe(target => target.StartsWith('/') || target == "data:,");
        page.Text.ShouldNotContain("style=");
        page.Text.ShouldNotContain("onclick=");
        foreach (Match asset in Reference().Matches(page.Text))
        {
            // Runs may be deleted by other tests meanwhile.
            if (asset.Groups[1].Value.StartsWith('/') && !asset.Groups[1].Value.Contains("run_", StringComparison.Ordinal))
                (await Api.GetAsync(asset.Groups[1].Value)).Status.ShouldBe(HttpStatusCode.OK, asset.Value);
        }
    }

    [Fact]
    public async Task Page_NamesWhatIsServed_AndNothingElse()
    {
        var page = (await Api.GetAsync("/")).Text;
        var described = (await Api.GetAsync("/openapi/v1.json")).Json.GetProperty("paths").EnumerateObject().Select(path => path.Name).ToList();

        foreach (Match call in Call().Matches(page))
            described.ShouldContain(call.Groups[1].Value.Replace("{n}", "{number}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Description_TellsErrorsAndBodies_ForEveryCall()
    {
        var paths = (await Api.GetAsync("/openapi/v1.json")).Json.GetProperty("paths");

        foreach (var path in paths.EnumerateObject())
        {
            foreach (var call in path.Value.EnumerateObject())
            {
                call.Value.GetProperty("summary").GetString().ShouldNotBeNullOrEmpty($"{call.Name} {path.Name}");
                call.Value.GetProperty("responses").TryGetProperty("503", out _).ShouldBeTrue($"{call.Name} {path.Name}");
            }
        }

        var submit = paths.GetProperty("/api/v1/runs").GetProperty("post");
        submit.GetProperty("requestBody").GetProperty("content").TryGetProperty("application/json", out _).ShouldBeTrue();
        submit.GetProperty("responses").EnumerateObject().Select(response => response.Name).ShouldBe(["202", "200", "400", "413", "415", "422", "429", "503"], ignoreOrder: true);
        paths.GetProperty("/api/v1/runs/{id}").GetProperty("get").GetProperty("responses").TryGetProperty("404", out _).ShouldBeTrue();
        paths.GetProperty("/api/v1/runs/{id}/events").GetProperty("get").GetProperty("responses").GetProperty("200")
            .GetProperty("content").TryGetProperty("text/event-stream", out _).ShouldBeTrue();
    }

    [Fact]
    public async Task Description_TellsWhatIsRequired_AndNoMore()
    {
        var schemas = (await Api.GetAsync("/openapi/v1.json")).Json.GetProperty("components").GetProperty("schemas");

        Required("SubmitRun").ShouldBe(["repository", "query"]);
        Required("ExecuteAgents").ShouldBe(["repository_name", "user_query"]);
        Required("RunEvent").ShouldNotContain("agent");
        Required("RunUsage").ShouldContain("cost_usd");
        schemas.GetProperty("RunBudget").GetProperty("properties").GetProperty("max_depth").GetProperty("type").GetString().ShouldBe("integer");
        schemas.GetProperty("StopReason").GetProperty("enum").EnumerateArray().Select(word => word.GetString()).ShouldContain("budget_tool_calls");

        IEnumerable<string?> Required(string schema) => schemas.GetProperty(schema).GetProperty("required").EnumerateArray().Select(name => name.GetString());
    }

    [Theory]
    [InlineData("/api/health")]
    [InlineData("/api/agents/health")]
    public async Task Health_NamesItsComponents_WhenAsked(string path)
    {
        var health = (await Api.GetAsync(path)).Json;

        health.GetProperty("status").GetString().ShouldBe("healthy");
        health.GetProperty("components").GetProperty("runs").GetString().ShouldBe("healthy");
    }

    [GeneratedRegex("(?:href|src)=\"([^\"]*)\"")]
    private static partial Regex Reference();

    [GeneratedRegex("<td><code>[A-Z, ]+ (/[^<]+)</code></td>")]
    private static partial Regex Call();
}
