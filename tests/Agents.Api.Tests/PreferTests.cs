using System.Net;
using Agents.Api.Tests.Hosting;

namespace Agents.Api.Tests;

/// <summary>The header Prefer: a client that would rather wait than follow events.</summary>
public sealed class PreferTests(ApiFixture fixture)
{
    private ApiClient Api => fixture.Api;

    [Fact]
    public async Task Submit_AnswersWithTheEndedRun_WhenItEndsInTime()
    {
        var answer = await Api.PostAsync("/api/v1/runs", """{"repository":"self","query":"q","agents":["tester"]}""", ("Prefer", "respond-async, wait=30"));

        answer.Status.ShouldBe(HttpStatusCode.OK, answer.Text);
        answer.String("state").ShouldBe("completed");
        answer.Json.GetProperty("agents")[0].GetProperty("result").GetProperty("content").GetString().ShouldBe("Merge the two parsers.");
        answer.Response.Headers.GetValues("Preference-Applied").ShouldBe(["wait=30"]);
        answer.Response.Headers.Location!.ToString().ShouldBe($"/api/v1/runs/{answer.String("id")}");
    }

    [Fact]
    public async Task Submit_AnswersHowFarTheRunIs_WhenItDoesNotEndInTime()
    {
        var answer = await Api.PostAsync("/api/v1/runs", """{"repository":"self","query":"manual"}""", ("Prefer", "wait=1"));

        answer.Status.ShouldBe(HttpStatusCode.Accepted, answer.Text);
        answer.String("state").ShouldBeOneOf("queued", "running");
        answer.Response.Headers.GetValues("Preference-Applied").ShouldBe(["wait=1"]);
    }

    [Fact]
    public async Task Submit_AnswersBeforeTheEnd_WhenTheRunWaitsForApproval()
    {
        var id = await Api.SubmitAsync("manual");
        var lease = await fixture.Worker.TakenAsync(id);
        var reading = Api.GetAsync($"/api/v1/runs/{id}", ("Prefer", "wait=60"));
        await fixture.Worker.Store.RequestApprovalsAsync(lease, [new ApprovalRequest("a", "tester", "rm", System.Text.Json.JsonSerializer.Deserialize<System.Text.Json.JsonElement>("{}"))], CancellationToken.None);

        await fixture.Worker.Queue.ParkAsync(lease, ["a"], CancellationToken.None);

        var waiting = await reading.WaitAsync(Eventually.Patience, TestContext.Current.CancellationToken);
        waiting.String("state").ShouldBe("waiting_approval");
        waiting.Json.GetProperty("approvals")[0].GetProperty("id").GetString().ShouldBe("a");
        (await Api.SendAsync(HttpMethod.Delete, $"/api/v1/runs/{id}")).Status.ShouldBe(HttpStatusCode.NoContent);
    }

    [Fact]
    public async Task Read_WaitsForTheEnd_WhenPreferred()
    {
        var id = await Api.SubmitAsync("manual");
        var lease = await fixture.Worker.TakenAsync(id);
        var reading = Api.GetAsync($"/api/v1/runs/{id}", ("Prefer", "wait=60"));

        await fixture.Worker.CompleteAsync(lease);

        (await reading).String("state").ShouldBe("completed");
        (await reading).Response.Headers.Vary.ShouldContain("Prefer");
        (await Api.GetAsync($"/api/v1/runs/{id}")).Response.Headers.Contains("Preference-Applied").ShouldBeFalse();
    }
}
