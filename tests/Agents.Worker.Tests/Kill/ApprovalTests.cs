using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Agents.Runs;
using Agents.Worker.Tests.Tools;
using static Agents.Worker.Tests.Kill.ScriptedModel.Turn;

namespace Agents.Worker.Tests.Kill;

/// <summary>A call that wants consent waits for it through the end of every process, and is made once or not at all.</summary>
public sealed class ApprovalTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("sqlite", "approve")]
    [InlineData("sqlite", "deny")]
    [InlineData("redis", "approve")]
    [InlineData("redis", "deny")]
    public async Task Call_WaitsForADecision_ThroughARestartOfEverything(string store, string decision)
    {
        await using var gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, RepositoryAnswers.Answer);
        await using var model = await ScriptedModel.StartAsync((_, _) => Task.CompletedTask, (_, _) => Task.CompletedTask, needsRepair: false);
        await using var storage = await RunsStorage.OpenAsync(store);
        await using var processes = new RunProcesses(storage, model, gateway);
        await processes.StartWorkerAsync();
        await processes.SubmitAsync(tools: new { require_approval = new[] { "repo_get_info" } });
        var waiting = await Eventually.SeesAsync(() => storage.GetAsync(processes.RunId), run => run.State == RunState.WaitingApproval);
        waiting.Approvals.ShouldNotBeNull().ShouldHaveSingleItem().Tool.ShouldBe(ScriptedModel.Tool);
        gateway.Calls.ShouldBeEmpty();

        await processes.KillAsync();
        (await storage.ReapAsync()).ShouldBe(0, "a run that waits has no worker to lose");
        var api = await processes.StartApiAsync();
        await processes.StartWorkerAsync();
        var path = $"/api/v1/runs/{processes.RunId}/approvals/{waiting.Approvals[0].Id}";
        using var answer = await api.PostAsJsonAsync(path, new { decision, reason = "the release is today" }, Cancel);
        var run = await processes.EndAsync();
        using var late = await api.PostAsJsonAsync(path, new { decision = "approve" }, Cancel);

        answer.StatusCode.ShouldBe(HttpStatusCode.OK, await answer.Content.ReadAsStringAsync(Cancel));
        late.StatusCode.ShouldBe(HttpStatusCode.Conflict);
        (await late.Content.ReadAsStringAsync(Cancel)).ShouldContain(decision == "approve" ? "approved" : "denied");
        run.FailedAttempts.ShouldBe(0, "waiting costs no attempt");
        run.Agents[0].StopReason.ShouldBe(StopReason.Finished);
        gateway.Calls.Count.ShouldBe(decision == "approve" ? 1 : 0);
        run.Usage.ToolCalls.ShouldBe(gateway.Calls.Count);
        if (decision == "deny") model.LastResult.ShouldContain("the release is today");
        model.Turns.ShouldBe([First, AfterTool], "no turn is asked for again");
        var states = (await EventsAsync(api, processes.RunId)).Where(e => e.Type == RunEventTypes.Approval).Select(e => e.Data.GetProperty("state").GetString());
        states.ShouldBe(["pending", decision == "approve" ? "approved" : "denied"]);
    }

    private static async Task<List<RunEvent>> EventsAsync(HttpClient api, string runId)
    {
        var text = await api.GetStringAsync($"/api/v1/runs/{runId}/events", Cancel);
        return [.. text.Split('\n').Where(line => line.StartsWith("data: ", StringComparison.Ordinal)).Select(line => JsonSerializer.Deserialize<RunEvent>(line["data: ".Length..], RunsJson.Options)!)];
    }
}
