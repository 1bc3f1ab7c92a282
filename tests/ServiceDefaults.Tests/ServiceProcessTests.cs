using System.Net;
using Shouldly;
using Testing;
using Xunit;

namespace ServiceDefaults.Tests;

/// <summary>The defaults in a real service, in a process of its own.</summary>
public sealed class ServiceProcessTests : IDisposable
{
    private readonly TemporaryDirectory _data = new();

    [Fact]
    public async Task Service_IsHealthyGuardedAndStopsOnSigterm()
    {
        await using var api = await ServiceProcess.StartAsync("Agents.Api", environment: Settings);

        (await api.Client.GetStringAsync("/alive")).ShouldBe("Healthy");
        using var rebound = new HttpRequestMessage(HttpMethod.Get, "/api/v1/agents/types");
        rebound.Headers.Host = "attacker.example";
        (await api.Client.SendAsync(rebound)).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await api.Client.PostAsync("/api/v1/runs", new StringContent("{}"))).StatusCode.ShouldBe(HttpStatusCode.UnsupportedMediaType);

        (await api.StopAsync()).ShouldBe(0);
        api.Output.ShouldNotContain(line => line.StartsWith("fail:") || line.StartsWith("crit:"));
    }

    [Fact]
    public async Task Service_EndsWithASentence_WhenItIsToldToListenOnEveryAddress()
    {
        await using var api = ServiceProcess.Launch("Agents.Api", "http://0.0.0.0:0", environment: Settings);

        (await api.WaitForExitAsync()).ShouldBe(1);

        api.Output.ShouldContain("Agents.Api did not start:");
        api.Output.ShouldContain(line => line.StartsWith("  This service will not listen on http://0.0.0.0:0"));
    }

    public void Dispose() => _data.Dispose();

    private Dictionary<string, string?> Settings => new() { ["Storage__Directory"] = _data.FullPath };
}
