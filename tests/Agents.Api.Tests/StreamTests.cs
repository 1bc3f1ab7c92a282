using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Agents.Api.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

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

    [Fact]
    public async Task SlowReader_CostsNobody_WhenItNeverReads()
    {
        var id = await Api.SubmitAsync("manual work");
        var lease = await fixture.Worker.TakenAsync(id);
        using var sleeper = new TcpClient();
        await sleeper.ConnectAsync(Api.Http.BaseAddress!.Host, Api.Http.BaseAddress.Port, TestContext.Current.CancellationToken);
        await sleeper.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"GET /api/v1/runs/{id}/events HTTP/1.1\r\nHost: {Api.Http.BaseAddress.Authority}\r\n\r\n"), TestContext.Current.CancellationToken);
        using var awake = await Api.OpenAsync($"/api/v1/runs/{id}/events?after=2");

        // Far more than the buffers of a connection hold.
        var words = new string('x', 64 * 1024);
        for (var i = 0; i < 300; i++)
        {
            await fixture.Worker.SayAsync(lease, words);
            (await awake.NextAsync())!.Event.ShouldBe("text.delta");
        }

        await fixture.Worker.CompleteAsync(lease);
        (await awake.AllAsync())[^1].Event.ShouldBe("run.end");
    }

    [Fact]
    public async Task Client_GoesOnAtAnotherApi_WhenItsOwnIsStopped()
    {
        using var storage = new TemporaryDirectory();
        var settings = new Dictionary<string, string?> { ["Storage__Directory"] = storage.FullPath, ["Repositories__self__Path"] = RepositoryRoot.Find() };
        await using var services = new ServiceCollection().AddLogging().AddRuns(_ => storage.FullPath).BuildServiceProvider();
        await using var worker = new ScriptedWorker(services);
        await using var first = await ServiceProcess.StartAsync("Agents.Api", environment: settings);
        var id = await new ApiClient(first.Client).SubmitAsync("manual work");
        var lease = await worker.TakenAsync(id);
        using var stream = await new ApiClient(first.Client).OpenAsync($"/api/v1/runs/{id}/events?format=ui-message-stream");
        await worker.SayAsync(lease, "before");
        var heard = new List<SseFrame>();
        while (!heard.Exists(frame => frame.Data.Contains("before", StringComparison.Ordinal)))
            heard.Add((await stream.NextAsync())!);

        first.Terminate();
        heard.AddRange(await stream.AllAsync());
        (await first.WaitForExitAsync()).ShouldBe(0);
        await worker.SayAsync(lease, "after");
        await worker.CompleteAsync(lease);

        await using var second = await ServiceProcess.StartAsync("Agents.Api", environment: settings);
        using var rest = await new ApiClient(second.Client).OpenAsync($"/api/v1/runs/{id}/events?format=ui-message-stream&after={heard[^1].Id}");
        heard.AddRange(await rest.AllAsync());
        using var whole = await new ApiClient(second.Client).OpenAsync($"/api/v1/runs/{id}/events?format=ui-message-stream");
        heard.ShouldBe(await whole.AllAsync());
    }

    [Theory]
    [InlineData("?format=native", null, null)]
    [InlineData("?format=ui-message-stream", "application/json", "v1")]
    [InlineData("", "text/event-stream; format=ui-message-stream", "v1")]
    [InlineData("", "application/json;q=0.5, text/*;format=native;q=0.1, text/event-stream;format=\"ui-message-stream\"", "v1")]
    [InlineData("?format=ag-ui", "*/*", null)]
    [InlineData("", "*/*", null)]
    public async Task Format_IsTheOneAskedFor(string query, string? accept, string? header)
    {
        var id = await Api.SubmitAsync("anything");
        await Api.EndedAsync(id);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/v1/runs/{id}/events{query}");
        if (accept is not null)
            request.Headers.TryAddWithoutValidation("Accept", accept).ShouldBeTrue();

        using var response = await Api.Http.SendAsync(request, TestContext.Current.CancellationToken);

        response.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
        response.Headers.TryGetValues("x-vercel-ai-ui-message-stream", out var version).ShouldBe(header is not null);
        version?.ShouldHaveSingleItem().ShouldBe(header);
    }

    [Theory]
    [InlineData("?format=xml", null, "format")]
    [InlineData("", "text/event-stream; format=xml", "Accept")]
    [InlineData("", "application/json", "Accept")]
    [InlineData("", "text/event-stream;q=0", "Accept")]
    public async Task Format_IsRefusedWithTheNamesOfThoseThereAre_WhenThereIsNoneSuch(string query, string? accept, string field)
    {
        var id = await Api.SubmitAsync("anything");
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/v1/runs/{id}/events{query}");
        if (accept is not null)
            request.Headers.TryAddWithoutValidation("Accept", accept).ShouldBeTrue();

        using var response = await Api.Http.SendAsync(request, TestContext.Current.CancellationToken);

        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        var error = (await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("errors").GetProperty(field)[0].GetString();
        error.ShouldNotBeNull().ShouldContain("native (the default), ui-message-stream (Vercel AI SDK, version 1), ag-ui (AG-UI)");
    }

    [Theory]
    [InlineData("/api/v1/chat", """{"id":"c1","messages":[]}""", "messages")]
    [InlineData("/api/v1/chat", """{"id":"c1","repository":"self","messages":[{"role":"assistant","parts":[{"type":"text","text":"no question"}]}]}""", "messages")]
    [InlineData("/api/v1/chat", """{"id":"c1","repository":"self","agent":"x","messages":[]}""", "agent")]
    [InlineData("/api/v1/ag-ui", """{"threadId":"t","runId":"r","messages":[{"id":"1","role":"user","content":""}],"forwardedProps":{"repository":"self"}}""", "messages")]
    [InlineData("/api/v1/ag-ui", """{"threadId":"t","runId":"r","messages":[{"id":"1","role":"user","content":"?"}],"forwardedProps":{"repository":"nowhere"}}""", "forwardedProps.repository")]
    [InlineData("/api/v1/ag-ui", """{"threadId":"t","runId":"r","later":true,"messages":[{"id":"1","role":"user","content":"?"}],"forwardedProps":{"agents":"all"}}""", "forwardedProps.agents")]
    public async Task Client_IsToldTheFieldInItsOwnWords_WhenItAsksWrongly(string path, string body, string field)
    {
        var answer = await Api.PostAsync(path, body);

        answer.Status.ShouldBe(HttpStatusCode.BadRequest);
        answer.Json.GetProperty("errors").EnumerateObject().Select(error => error.Name).ShouldContain(field);
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
