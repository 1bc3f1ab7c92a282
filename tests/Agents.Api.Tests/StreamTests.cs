using System.Net;
using System.Text;
using Agents.Api.Tests.Hosting;

namespace Agents.Api.Tests;

public sealed class StreamTests(ApiFixture fixture)
{
    private ApiClient Api => fixture.Api;

    [Fact]
    public async Task Stream_TellsAllInOrder_WhenTheRunEnded()
    {
        var id = await Api.SubmitAsync("anything");
        await Api.EndedAsync(id);

        var answer = await Api.GetAsync($"/api/v1/runs/{id}/events");

        answer.ContentType.ShouldBe("text/event-stream");
        answer.Response.Headers.CacheControl!.NoCache.ShouldBeTrue();
        var frames = await SseFrames.ParseAsync(answer.Text);
        frames.Select(frame => frame.Id).ShouldBe(Enumerable.Range(1, frames.Count).Select(n => $"{n}"));
        frames.ShouldAllBe(frame => frame.Json.GetProperty("type").GetString() == frame.Event);
        frames[0].Event.ShouldBe("run.state");
        frames[0].Json.GetProperty("data").GetProperty("run_id").GetString().ShouldBe(id);
        frames.Select(frame => frame.Event).ShouldBeSubsetOf(["run.state", "agent.state", "tool.call", "tool.result", "text.delta", "run.end"]);
        frames.Count(frame => frame.Event == "tool.result").ShouldBe(2);
        frames[^1].Event.ShouldBe("run.end");
    }

    [Theory]
    [InlineData("header")]
    [InlineData("query")]
    public async Task Stream_GoesOnByteByByte_WhenResumedAtEveryPoint(string how)
    {
        var id = await Api.SubmitAsync("anything");
        await Api.EndedAsync(id);
        var whole = await BytesAsync($"/api/v1/runs/{id}/events");
        var frames = whole.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);

        for (var after = 0; after < frames.Length; after++)
        {
            var rest = how == "header"
                ? await BytesAsync($"/api/v1/runs/{id}/events?after=0", $"{after}")
                : await BytesAsync($"/api/v1/runs/{id}/events?after={after}");
            rest.ShouldBe(string.Concat(frames[after..].Select(frame => frame + "\n\n")));
        }
    }

    [Fact]
    public async Task Stream_TellsTheClientToStop_WhenNothingWillCome()
    {
        var id = await Api.SubmitAsync("anything");
        await Api.EndedAsync(id);
        var last = (await SseFrames.ParseAsync((await Api.GetAsync($"/api/v1/runs/{id}/events")).Text))[^1].Id;

        (await Api.SendAsync(HttpMethod.Get, $"/api/v1/runs/{id}/events", lastEventId: last)).Status.ShouldBe(HttpStatusCode.NoContent);
    }

    [Fact]
    public async Task Stream_TellsEachEventAsItComes_WhenTheRunIsAtWork()
    {
        var id = await Api.SubmitAsync("manual work");
        var lease = await fixture.Worker.TakenAsync(id);
        using var stream = await Api.OpenAsync($"/api/v1/runs/{id}/events?after=2");

        for (var i = 0; i < 20; i++)
        {
            await fixture.Worker.SayAsync(lease, $"word {i}");
            (await stream.NextAsync())!.Json.GetProperty("data").GetProperty("text").GetString().ShouldBe($"word {i}");
        }

        await fixture.Worker.CompleteAsync(lease);
        (await stream.AllAsync())[^1].Event.ShouldBe("run.end");
    }

    [Fact]
    public async Task Client_LosesNothingAndRepeatsNothing_WhenItDropsAgainAndAgain()
    {
        var id = await Api.SubmitAsync("manual work");
        var lease = await fixture.Worker.TakenAsync(id);
        var writing = Task.Run(async () =>
        {
            for (var i = 0; i < 100; i++)
                await fixture.Worker.SayAsync(lease, $"{i}");
            await fixture.Worker.CompleteAsync(lease);
        }, TestContext.Current.CancellationToken);

        var seen = new List<SseFrame>();
        while (seen.Count == 0 || seen[^1].Event != "run.end")
        {
            using var stream = await Api.OpenAsync($"/api/v1/runs/{id}/events?after={(seen.Count == 0 ? "0" : seen[^1].Id)}");
            for (var i = 0; i < 1 + (seen.Count % 7) && await stream.NextAsync() is { } frame; i++)
                seen.Add(frame);
        }

        await writing;
        seen.Select(frame => frame.Id).ShouldBe(Enumerable.Range(1, seen.Count).Select(n => $"{n}"));
        seen.Where(frame => frame.Event == "text.delta").Select(frame => frame.Json.GetProperty("data").GetProperty("text").GetString())
            .ShouldBe(Enumerable.Range(0, 100).Select(n => $"{n}"));
        (await Api.GetAsync($"/api/v1/runs/{id}")).String("state").ShouldBe("completed");
    }

    [Fact]
    public async Task Readers_SeeTheSame_WhenThereAreMany()
    {
        var id = await Api.SubmitAsync("manual work");
        var lease = await fixture.Worker.TakenAsync(id);
        var readers = Enumerable.Range(0, 10).Select(_ => BytesAsync($"/api/v1/runs/{id}/events")).ToList();

        for (var i = 0; i < 20; i++)
            await fixture.Worker.SayAsync(lease, $"{i}");
        await fixture.Worker.CompleteAsync(lease);

        (await Task.WhenAll(readers)).Distinct().ShouldHaveSingleItem().ShouldContain("run.end");
    }

    private async Task<string> BytesAsync(string path, string? lastEventId = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (lastEventId is not null)
            request.Headers.Add("Last-Event-ID", lastEventId);
        using var response = await Api.Http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = Encoding.UTF8.GetString(await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        // A comment carries nothing and depends on time.
        return text.Replace(": ping\n\n", "", StringComparison.Ordinal);
    }
}
