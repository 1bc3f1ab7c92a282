using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Shouldly;
using Xunit;

namespace ServiceDefaults.Tests;

public sealed class HealthTests
{
    [Theory]
    [InlineData("Development")]
    [InlineData("Production")]
    public async Task Endpoints_Answer_InEveryEnvironment(string environment)
    {
        await using var service = await TestService.StartAsync(new() { ["environment"] = environment });

        (await service.Client.GetStringAsync("/health")).ShouldBe("Healthy");
        (await service.Client.GetStringAsync("/alive")).ShouldBe("Healthy");
    }

    [Fact]
    public async Task Ready_NamesTheCheckAndLiveStaysHealthy_WhenACheckFails()
    {
        await using var service = await TestService.StartAsync(add: builder =>
            builder.Services.AddHealthChecks().AddCheck("upstreams", () => HealthCheckResult.Unhealthy("repository is not warm yet")));

        var ready = await service.Client.GetAsync("/health");

        ready.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await ready.Content.ReadAsStringAsync()).ShouldBe("Unhealthy\nupstreams: repository is not warm yet");
        (await service.Client.GetStringAsync("/alive")).ShouldBe("Healthy");
    }

    [Fact]
    public async Task Ready_AnswersJsonWithEveryCheck_WhenAskedForIt()
    {
        await using var service = await TestService.StartAsync(add: builder =>
            builder.Services.AddHealthChecks().AddCheck("store", () => HealthCheckResult.Degraded("slow")));
        service.Client.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));

        var health = JsonNode.Parse(await service.Client.GetStringAsync("/health"))!;

        health["status"]!.GetValue<string>().ShouldBe("degraded");
        health["checks"]!["store"]!.ToJsonString().ShouldBe("""{"status":"degraded","description":"slow"}""");
        health["checks"]!["self"]!["status"]!.GetValue<string>().ShouldBe("healthy");
    }

    [Fact]
    public async Task Ready_LogsNothing_WhenACheckFails()
    {
        await using var service = await TestService.StartAsync(add: builder =>
            builder.Services.AddHealthChecks().AddCheck("upstreams", () => HealthCheckResult.Unhealthy("not yet")));

        await service.Client.GetAsync("/health");

        service.Logs.Entries.ShouldNotContain(entry => entry.Message.Contains("upstreams"));
    }
}
