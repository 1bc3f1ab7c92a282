using System.Text.Json;
using Agents.Runs;

namespace Agents.Worker.Tests.Streams;

/// <summary>The clients of the Vercel AI SDK and of AG-UI read what an Api and a worker make of runs of every kind, whole and resumed after each id.</summary>
public sealed class StreamClientsTests(StreamHost host) : IClassFixture<StreamHost>
{
    [Fact]
    public async Task Clients_ReadParallelAgentsWithTheirToolCalls()
    {
        string[] agents = [.. BuiltInAgents.Default];
        var run = await host.SubmitAsync("What next?", agents);
        await host.BecomesAsync(run, "completed");

        var read = await host.ReadAsync(run);

        var parts = read.GetProperty("chat").GetProperty("message").GetProperty("parts").EnumerateArray().ToList();
        parts.Where(part => Is(part, "text")).Select(part => part.GetProperty("providerMetadata").GetProperty("agents").GetProperty("agent").GetString()).Distinct().ShouldBe(agents, ignoreOrder: true);
        parts.Count(part => Is(part, "dynamic-tool")).ShouldBe(2 * agents.Length);
        parts.Count(part => Is(part, "data-agent")).ShouldBe(agents.Length, "updated in place");
        var agent = read.GetProperty("agent");
        agent.GetProperty("outcome").GetString().ShouldBe("success");
        agent.GetProperty("messages").EnumerateArray().Count(message => message.TryGetProperty("toolCalls", out var calls) && calls.GetArrayLength() == 2).ShouldBe(agents.Length, "calls belong to the words before them");
        agent.GetProperty("state").GetProperty("usage").EnumerateObject().Select(usage => usage.Name).ShouldBe(agents, ignoreOrder: true);
        read.GetProperty("resumed").GetInt32().ShouldBeGreaterThan(50);
    }

    [Fact]
    public async Task Clients_HearTheError_WhenTheRunFailed()
    {
        var run = await host.SubmitAsync("#refuse", BuiltInAgents.Tester);
        await host.BecomesAsync(run, "failed");

        var read = await host.ReadAsync(run);

        read.GetProperty("chat").GetProperty("errors").EnumerateArray().ShouldHaveSingleItem().GetString().ShouldNotBeNull().ShouldContain("this model refuses");
        read.GetProperty("agent").GetProperty("outcome").GetString().ShouldNotBeNull().ShouldStartWith("error failed: ");
    }

    [Fact]
    public async Task Clients_ReadTheOthers_WhenOneAgentFailed()
    {
        var run = await host.SubmitAsync("#refuse-one", BuiltInAgents.Tester, BuiltInAgents.Simplifier);
        await host.BecomesAsync(run, "completed_partial");

        var read = await host.ReadAsync(run);

        read.GetProperty("agent").GetProperty("state").GetProperty("agents").EnumerateObject().Select(agent => agent.Value.GetProperty("state").GetString()).ShouldBe(["failed", "completed"], ignoreOrder: true);
    }

    [Fact]
    public async Task Clients_ReadTheEnd_WhenTheRunIsCancelledInTheMiddleOfAText()
    {
        var run = await host.SubmitAsync("#hold", BuiltInAgents.Tester, BuiltInAgents.Summarizer);
        await host.FollowUntilAsync(run, "Let me look.");
        using var answer = await host.Client.PostAsync($"/api/v1/runs/{run}/cancel", null, TestContext.Current.CancellationToken);
        await host.BecomesAsync(run, "cancelled");

        var read = await host.ReadAsync(run);

        read.GetProperty("agent").GetProperty("outcome").GetString().ShouldBe("cancelled");
    }

    [Fact]
    public async Task Clients_HearWhichTextIsVoid_WhenATurnIsToldAgain()
    {
        var run = await host.SubmitAsync("#break", BuiltInAgents.ConvoStarter);
        await host.FollowUntilAsync(run, "Let me look.");
        host.Break();
        await host.BecomesAsync(run, "completed");

        var read = await host.ReadAsync(run);

        var parts = read.GetProperty("chat").GetProperty("message").GetProperty("parts").EnumerateArray().ToList();
        var voided = parts.Single(part => Is(part, "data-reset")).GetProperty("data").GetProperty("text").GetString();
        var texts = parts.Where(part => Is(part, "text")).ToDictionary(part => part.GetProperty("providerMetadata").GetProperty("agents").GetProperty("text").GetString()!, part => part.GetProperty("text").GetString());
        texts.Remove(voided!, out var said).ShouldBeTrue();
        said.ShouldBe("Let me look. ");
        texts.Values.First().ShouldBe("Let me look. ", "the turn, told again");
        read.GetProperty("agent").GetProperty("types").EnumerateArray().Select(type => type.GetString()).ShouldContain("CUSTOM");
    }

    [Fact]
    public async Task Clients_ReadOneCall_WhetherItWaitedForConsentOrNot()
    {
        var run = await host.SubmitAsync(new { repository = "self", query = "With consent?", agents = new[] { BuiltInAgents.ConvoStarter }, tools = new { require_approval = new[] { "repo_get_info", "find_duplicates" } } });
        var waiting = (await host.BecomesAsync(run, "waiting_approval")).GetProperty("approvals").EnumerateArray().Select(approval => approval.GetProperty("id").GetString()).ToList();
        await host.DecideAsync(run, waiting[0]!, "approve");
        await host.DecideAsync(run, waiting[1]!, "deny");
        await host.BecomesAsync(run, "completed");

        var read = await host.ReadAsync(run);

        var parts = read.GetProperty("chat").GetProperty("message").GetProperty("parts").EnumerateArray().Where(part => Is(part, "dynamic-tool"));
        parts.Select(part => part.GetProperty("state").GetString()).ShouldBe(["output-available", "output-denied"]);
        read.GetProperty("agent").GetProperty("types").EnumerateArray().Count(type => type.GetString() == "CUSTOM").ShouldBe(4, "wanted and decided, twice");
    }

    [Fact]
    public async Task Chat_GoesOnInANewPage_WhenTheOldOneWasLeftInTheMiddle()
    {
        await using var chat = await NodeProcess.StartAsync(
            "chat-client.mjs", [host.Address, "#pause", """{"repository":"self","agents":["convo_starter","tester"]}""", "leave"], isReady: line => line == "GET 200");
        host.GoOn();
        (await chat.Process.WaitForExitAsync()).ShouldBe(0, string.Join('\n', chat.Process.Output));

        var seen = JsonSerializer.Deserialize<JsonElement>(chat.Process.Output[^1]);
        seen.GetProperty("errors").GetArrayLength().ShouldBe(0, seen.GetRawText());
        seen.GetProperty("answers").EnumerateArray().Select(answer => answer.GetString()).ShouldBe(["POST 200", "GET 200", "GET 204"]);
        seen.GetProperty("unchanged").GetBoolean().ShouldBeTrue();
        var message = seen.GetProperty("message");
        var run = await host.BecomesAsync(message.GetProperty("id").GetString()!, "completed");
        run.GetProperty("query").GetString().ShouldBe("#pause");
        var texts = message.GetProperty("parts").EnumerateArray().Where(part => Is(part, "text")).ToList();
        texts.ShouldAllBe(text => text.GetProperty("state").GetString() == "done");
        texts.Count(text => text.GetProperty("text").GetString()!.Contains("This is what I found", StringComparison.Ordinal)).ShouldBeGreaterThanOrEqualTo(2);
    }

    [Fact]
    public async Task Chat_IsToldWhatIsWrong_WhenItAsksForWhatThereIsNot()
    {
        var seen = await StreamClients.RunAsync("chat-client.mjs", host.Address, "What next?", """{"repository":"nowhere"}""");

        seen.GetProperty("errors")[0].GetString().ShouldNotBeNull().ShouldContain("'nowhere' is not configured");
    }

    [Fact]
    public async Task AgUiClient_AsksAndReadsItsOwnRun()
    {
        var seen = await StreamClients.RunAsync("ag-ui-client.mjs", host.Address, "What next?", """{"repository":"self","agents":["convo_starter","tester"],"theirs":{"own":1}}""");

        seen.GetProperty("errors").GetArrayLength().ShouldBe(0, seen.GetRawText());
        seen.GetProperty("warnings").GetArrayLength().ShouldBe(0, seen.GetRawText());
        seen.GetProperty("outcome").GetString().ShouldBe("success");
        seen.GetProperty("runs").EnumerateArray().ShouldHaveSingleItem().GetBoolean().ShouldBeTrue("threadId and runId are the client's");
        var run = await host.BecomesAsync(seen.GetProperty("state").GetProperty("run").GetProperty("run_id").GetString()!, "completed");
        run.GetProperty("context").GetProperty("editor").GetString().ShouldBe("open at src/Orders.cs");
        await host.ReadAsync(run.GetProperty("id").GetString()!);
    }

    private static bool Is(JsonElement part, string type) => part.GetProperty("type").GetString() == type;
}
