using System.Net;
using System.Text.Json;
using Agents.Api.Tests.Hosting;

namespace Agents.Api.Tests;

/// <summary>Users' own agents: written once, refused with the line, changed by versions, pinned by runs.</summary>
public sealed class AgentTests
{
    private const string Good = "---\nname: reviewer\ndescription: Reviews.\ntools: [\"repository__*\"]\n---\nReview it.\n";

    [Theory]
    [InlineData("sqlite")]
    [InlineData("redis")]
    public async Task Agent_IsCreatedChangedReadAndDeleted_ByAnyApi(string store)
    {
        await using var host = await ApiHost.OpenAsync(store);
        var (one, two) = (await host.StartAsync(), await host.StartAsync());

        var created = await one.PostAsync("/api/v1/agents", Body(Good));
        created.Status.ShouldBe(HttpStatusCode.Created, created.Text);
        var path = created.Response.Headers.Location!.ToString();
        path.ShouldBe($"/api/v1/agents/{created.String("id")}");
        created.Response.Headers.ETag!.Tag.ShouldBe("\"1\"");
        (created.String("name"), created.String("description"), created.String("definition")).ShouldBe(("reviewer", "Reviews.", Good));
        created.Json.GetProperty("tools")[0].GetString().ShouldBe("repository__*");

        var changed = await two.SendAsync(HttpMethod.Put, path, Body(Good.Replace("Reviews.", "Reviews twice.", StringComparison.Ordinal)));
        changed.Status.ShouldBe(HttpStatusCode.OK, changed.Text);
        changed.Json.GetProperty("version").GetInt32().ShouldBe(2);
        (await one.GetAsync(path)).String("description").ShouldBe("Reviews twice.");
        (await one.GetAsync($"{path}?version=1")).String("description").ShouldBe("Reviews.");
        (await one.GetAsync($"{path}?version=3")).Status.ShouldBe(HttpStatusCode.NotFound);
        (await two.GetAsync("/api/v1/agents")).Json.GetProperty("agents").EnumerateArray().ShouldHaveSingleItem().GetProperty("version").GetInt32().ShouldBe(2);
        var types = (await two.GetAsync("/api/v1/agents/types")).Json;
        types.GetProperty("total_count").GetInt32().ShouldBe(6);
        types.GetProperty("descriptions").GetProperty("reviewer").GetString().ShouldBe("Reviews twice.");

        (await one.PostAsync("/api/v1/agents", Body(Good))).Status.ShouldBe(HttpStatusCode.Conflict);
        (await two.SendAsync(HttpMethod.Delete, path)).Status.ShouldBe(HttpStatusCode.NoContent);
        (await one.GetAsync(path)).Status.ShouldBe(HttpStatusCode.NotFound);
        (await one.SendAsync(HttpMethod.Delete, path)).Status.ShouldBe(HttpStatusCode.NotFound);
        (await one.PostAsync("/api/v1/agents", Body(Good))).Json.GetProperty("version").GetInt32().ShouldBe(1);
    }

    [Theory]
    [InlineData("name: reviewer", "line 1: begin the file with a line '---'")]
    [InlineData("---\nname: reviewer\ndescription: d\ntool: []\n---\nP", "line 4: 'tool' is unknown")]
    [InlineData("---\nname: reviewer\ndescription: d\ntools: all\n---\nP", "line 4: tools is 'all'")]
    [InlineData("---\nname: reviewer\ndescription: d\ntools: []\nbudget:\n  max_depth: 11\n---\nP", "line 6: budget.max_depth is '11': use 1 to 10.")]
    [InlineData("---\nname: reviewer\ndescription: d\ntools: []\n---\n", "the prompt is missing")]
    [InlineData(" ", "1 to 65536")]
    public async Task Definition_IsRefusedWithTheLine_WhenItCannotBeUsed(string definition, string named)
    {
        await using var host = await ApiHost.OpenAsync("sqlite");
        var api = await host.StartAsync();

        var answer = await api.PostAsync("/api/v1/agents", Body(definition));

        answer.Status.ShouldBe(HttpStatusCode.BadRequest);
        answer.ContentType.ShouldBe("application/problem+json");
        answer.Json.GetProperty("errors").GetProperty("definition")[0].GetString()!.ShouldContain(named);
        (await api.GetAsync("/api/v1/agents")).Json.GetProperty("agents").GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task Change_IsRefused_WhenItIsOfAnotherVersionOrName()
    {
        await using var host = await ApiHost.OpenAsync("sqlite");
        var api = await host.StartAsync();
        var path = (await api.PostAsync("/api/v1/agents", Body(Good))).Response.Headers.Location!.ToString();

        var first = await api.SendAsync(HttpMethod.Put, path, Body(Good), ("If-Match", "\"1\""));
        var stale = await api.SendAsync(HttpMethod.Put, path, Body(Good), ("If-Match", "\"1\""));
        var renamed = await api.SendAsync(HttpMethod.Put, path, Body(Good.Replace("reviewer", "critic", StringComparison.Ordinal)));
        var builtIn = await api.PostAsync("/api/v1/agents", Body(Good.Replace("reviewer", "tester", StringComparison.Ordinal)));

        first.Status.ShouldBe(HttpStatusCode.OK);
        stale.Status.ShouldBe(HttpStatusCode.PreconditionFailed);
        stale.String("detail").ShouldContain("latest version is 2");
        renamed.Status.ShouldBe(HttpStatusCode.BadRequest);
        builtIn.Status.ShouldBe(HttpStatusCode.Conflict);
        (await api.GetAsync($"{path}?version=x")).Status.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Run_RecordsTheVersionItWasMadeWith()
    {
        await using var host = await ApiHost.OpenAsync("sqlite");
        var api = await host.StartAsync();
        var agent = await api.PostAsync("/api/v1/agents", Body(Good));
        const string Ask = """{"repository":"self","query":"q","agents":["tester","reviewer"]}""";

        var before = await api.PostAsync("/api/v1/runs", Ask);
        await api.SendAsync(HttpMethod.Put, $"/api/v1/agents/{agent.String("id")}", Body(Good));
        var after = await api.PostAsync("/api/v1/runs", Ask);
        await api.SendAsync(HttpMethod.Delete, $"/api/v1/agents/{agent.String("id")}");
        var late = await api.PostAsync("/api/v1/runs", Ask);

        before.Json.GetProperty("agents")[0].TryGetProperty("agent_id", out _).ShouldBeFalse();
        before.Json.GetProperty("agents")[1].GetProperty("agent_id").GetString().ShouldBe(agent.String("id"));
        before.Json.GetProperty("agents")[1].GetProperty("version").GetString().ShouldBe("1");
        after.Json.GetProperty("agents")[1].GetProperty("version").GetString().ShouldBe("2");
        late.Status.ShouldBe(HttpStatusCode.BadRequest);
        late.Json.GetProperty("errors").GetProperty("agents")[0].GetString().ShouldBe("'reviewer' is not an agent. Known are: simplifier, tester, convo_starter, summarizer, documentation.");
    }

    private static string Body(string definition) => JsonSerializer.Serialize(new { definition });
}
