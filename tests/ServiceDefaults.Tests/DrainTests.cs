using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using ServiceDefaults.Drain;
using Shouldly;
using Testing;
using Xunit;

namespace ServiceDefaults.Tests;

public sealed class DrainTests
{
    private static readonly Dictionary<string, string?> TenSeconds = new() { ["Drain:Delay"] = "00:00:10" };

    [Fact]
    public async Task Drain_IsNotReadyButAliveAndServing_UntilTheDelayIsOver()
    {
        var clock = new ManualTimeProvider();
        await using var service = await TestService.StartAsync(
            TenSeconds,
            builder => builder.Services.AddSingleton<TimeProvider>(clock),
            app => app.MapGet("/work", () => "done"));
        var drain = service.App.Services.GetRequiredService<DrainState>();
        drain.IsDraining.ShouldBeFalse();

        var stopped = service.App.StopAsync();
        await Eventually.HoldsAsync(() => clock.PendingTimers == 1);

        drain.IsDraining.ShouldBeTrue();
        using var newcomer = new HttpClient { BaseAddress = service.Client.BaseAddress };
        var ready = await newcomer.GetAsync("/health");
        ready.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await ready.Content.ReadAsStringAsync()).ShouldBe("Unhealthy\ndrain: draining");
        (await newcomer.GetStringAsync("/alive")).ShouldBe("Healthy");
        (await newcomer.GetStringAsync("/work")).ShouldBe("done");
        clock.Advance(TimeSpan.FromSeconds(9));
        stopped.IsCompleted.ShouldBeFalse();

        clock.Advance(TimeSpan.FromSeconds(1));
        await stopped.WaitAsync(Eventually.Patience, TimeProvider.System);
        await Should.ThrowAsync<HttpRequestException>(() => newcomer.GetAsync("/alive"));
    }

    [Fact]
    public async Task Drain_LetsARequestUnderWayFinish()
    {
        var finish = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var service = await TestService.StartAsync(map: app => app.MapGet("/work", async () =>
        {
            begun.SetResult();
            await finish.Task;
            return "done";
        }));
        var answer = service.Client.GetStringAsync("/work");
        await begun.Task;

        var stopped = service.App.StopAsync();
        await Eventually.HoldsAsync(() => service.App.Services.GetRequiredService<DrainState>().IsDraining);
        finish.SetResult();

        (await answer).ShouldBe("done");
        await stopped.WaitAsync(Eventually.Patience, TimeProvider.System);
    }

    [Fact]
    public async Task Draining_EndsAStream_ThatWatchesIt()
    {
        await using var service = await TestService.StartAsync(map: app => app.MapGet("/stream", async (HttpContext context, DrainState drain) =>
        {
            await context.Response.WriteAsync("begin,");
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, drain.Draining).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await context.Response.WriteAsync("end");
        }));
        using var response = await service.Client.GetAsync("/stream", HttpCompletionOption.ResponseHeadersRead);

        var stopped = service.App.StopAsync();

        (await response.Content.ReadAsStringAsync()).ShouldBe("begin,end");
        await stopped.WaitAsync(Eventually.Patience, TimeProvider.System);
    }

    [Fact]
    public async Task Timeout_BecomesTheShutdownTimeoutOfTheHost()
    {
        await using var service = await TestService.StartAsync(new() { ["Drain:Timeout"] = "00:00:45" });

        service.App.Services.GetRequiredService<IOptions<HostOptions>>().Value.ShutdownTimeout.ShouldBe(TimeSpan.FromSeconds(45));
    }

    [Fact]
    public async Task Start_NamesEveryWrongOptionAtOnce()
    {
        await using var app = TestService.Build(new() { ["Drain:Timeout"] = "30", ["Drain:Delay"] = "-00:00:01", ["CallerGuard:AllowedHosts:0"] = "http://x" });
        using var errors = new StringWriter();

        var exitCode = await app.RunServiceAsync(errors);

        exitCode.ShouldBe(1);
        errors.ToString().ShouldContain("Drain:Timeout is 30.00:00:00: it must be from 00:00:01 to 00:10:00 (hours:minutes:seconds).");
        errors.ToString().ShouldContain("Drain:Delay is -00:00:01");
        errors.ToString().ShouldContain("CallerGuard:AllowedHosts:0 is 'http://x'");
    }
}
