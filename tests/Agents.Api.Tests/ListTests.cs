using System.Net;
using System.Text.Json;
using Agents.Api.Tests.Hosting;

namespace Agents.Api.Tests;

/// <summary>The list of runs, and what a conversation said.</summary>
public sealed class ListTests
{
    [Theory]
    [InlineData("sqlite")]
    [InlineData("redis")]
    public async Task List_HasWhatMatchesEveryFilter(string store)
    {
        await using var host = await ApiHost.OpenAsync(store, new Dictionary<string, string?> { ["Repositories:Other:Path"] = RepositoryRoot.Find() });
        var api = await host.StartAsync();
        _ = host.Worker;
        var one = await RunAsync("""{"repository":"self","query":"q","agents":["tester"],"conversation_id":"c1"}""");
        var two = await RunAsync("""{"repository":"OTHER","query":"q","agents":["tester","summarizer"],"conversation_id":"c1"}""");
        var three = await RunAsync("""{"repository":"self","query":"break","agents":["summarizer"]}""");
        var made = (await api.GetAsync($"/api/v1/runs/{two}")).String("created_at");

        (await IdsAsync("")).ShouldBe([three, two, one]);
        (await IdsAsync("state=failed")).ShouldBe([three]);
        (await IdsAsync("repository=other")).ShouldBe([two]);
        (await IdsAsync("repository=unknown")).ShouldBeEmpty();
        (await IdsAsync("agent=summarizer")).ShouldBe([three, two]);
        (await IdsAsync("conversation_id=c1")).ShouldBe([two, one]);
        (await IdsAsync("conversation_id=c1&agent=tester&repository=self&state=completed")).ShouldBe([one]);
        (await IdsAsync($"created_after={Uri.EscapeDataString(made)}")).ShouldBe([three, two]);
        (await IdsAsync($"created_before={Uri.EscapeDataString(made)}")).ShouldBe([one]);
        (await IdsAsync("created_after=2026-01-01T00:00:00Z&created_before=2026-01-01T00:00:01.5%2B02:00")).ShouldBeEmpty();

        async Task<string> RunAsync(string body) =>
            (await api.PostAsync("/api/v1/runs", body, ("Prefer", "wait=60"))) is { Status: HttpStatusCode.OK } answer ? answer.String("id") : throw new InvalidOperationException("It did not end.");

        async Task<List<string>> IdsAsync(string query) => Ids((await api.GetAsync($"/api/v1/runs?{query}")).Json);
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("redis")]
    public async Task Pages_ShowEachRunOnce_WhateverIsMadeAndDeletedMeanwhile(string store)
    {
        await using var host = await ApiHost.OpenAsync(store);
        var api = await host.StartAsync();
        var made = new List<string>();
        for (var i = 0; i < 7; i++)
            made.Insert(0, await api.SubmitAsync("manual"));

        var seen = new List<string>();
        string? cursor = null;
        do
        {
            var page = (await api.GetAsync($"/api/v1/runs?limit=2{(cursor is null ? "" : $"&cursor={cursor}")}")).Json;
            seen.AddRange(Ids(page));
            cursor = page.TryGetProperty("next", out var next) ? next.GetString() : null;
            if (seen.Count != 2)
                continue;
            await api.SubmitAsync("manual");
            await api.SendAsync(HttpMethod.Delete, $"/api/v1/runs/{seen[1]}");
        }
        while (cursor is not null);

        seen.ShouldBe(made);
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("redis")]
    public async Task Conversation_TellsItsLastTurns_OldestFirst(string store)
    {
        await using var host = await ApiHost.OpenAsync(store);
        var api = await host.StartAsync();
        _ = host.Worker;
        for (var i = 1; i <= 3; i++)
            await api.PostAsync("/api/v1/runs", $$"""{"repository":"self","query":"question {{i}}","agents":["tester"],"conversation_id":"c 1"}""", ("Prefer", "wait=60"));

        var conversation = (await api.GetAsync("/api/v1/conversations/c%201?limit=2")).Json;

        conversation.GetProperty("id").GetString().ShouldBe("c 1");
        var turns = conversation.GetProperty("turns").EnumerateArray().ToList();
        turns.Select(turn => turn.GetProperty("query").GetString()).ShouldBe(["question 2", "question 3"]);
        turns[0].GetProperty("answers").GetProperty("tester").GetString().ShouldBe("Merge the two parsers.");
        turns[0].GetProperty("state").GetString().ShouldBe("completed");
        (await api.GetAsync("/api/v1/conversations/none")).Json.GetProperty("turns").GetArrayLength().ShouldBe(0);
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("redis")]
    public async Task Run_IsGone_WhenItsRetentionIsOver(string store)
    {
        await using var host = await ApiHost.OpenAsync(store);
        var api = await host.StartAsync();
        _ = host.Worker;
        var ended = (await api.PostAsync("/api/v1/runs", """{"repository":"self","query":"q","conversation_id":"c"}""", ("Prefer", "wait=60"), ("Idempotency-Key", "\"k\""))).String("id");
        var open = await api.SubmitAsync("manual");

        host.Time.By = TimeSpan.FromDays(31);
        (await host.Store.PruneAsync(TestContext.Current.CancellationToken)).ShouldBe(1);

        (await api.GetAsync($"/api/v1/runs/{ended}")).Status.ShouldBe(HttpStatusCode.NotFound);
        (await api.GetAsync($"/api/v1/runs/{ended}/tool-calls/1")).Status.ShouldBe(HttpStatusCode.NotFound);
        (await api.GetAsync("/api/v1/conversations/c")).Json.GetProperty("turns").GetArrayLength().ShouldBe(0);
        Ids((await api.GetAsync("/api/v1/runs")).Json).ShouldBe([open]);
    }

    private static List<string> Ids(JsonElement page) => [.. page.GetProperty("runs").EnumerateArray().Select(run => run.GetProperty("id").GetString()!)];
}
