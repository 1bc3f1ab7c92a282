using System.Net;
using Agents.Api.Tests.Hosting;
using Microsoft.Data.Sqlite;

namespace Agents.Api.Tests;

/// <summary>A service that cannot take more now says so, and when to come back.</summary>
public sealed class PressureTests
{
    private const string Body = """{"repository":"self","query":"manual"}""";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("sqlite")]
    [InlineData("redis")]
    public async Task Submit_IsRefusedWithATime_WhenTheQueueIsFull_AndTakenAgainLater(string store)
    {
        await using var host = await ApiHost.OpenAsync(store, new Dictionary<string, string?> { ["Runs:MaxQueued"] = "2" });
        var api = await host.StartAsync();
        var first = await api.PostAsync("/api/v1/runs", Body, ("Idempotency-Key", "\"k\""));
        await api.PostAsync("/api/v1/runs", Body);

        var refused = await api.PostAsync("/api/v1/runs", Body);
        var original = await api.PostAsync("/api/v1/agents/execute", """{"repository_name":"self","user_query":"q"}""");
        var repeated = await api.PostAsync("/api/v1/runs", Body, ("Idempotency-Key", "\"k\""));

        refused.Status.ShouldBe(HttpStatusCode.TooManyRequests);
        refused.ContentType.ShouldBe("application/problem+json");
        refused.Response.Headers.RetryAfter!.Delta!.Value.ShouldBeGreaterThan(TimeSpan.Zero);
        original.Status.ShouldBe(HttpStatusCode.TooManyRequests);
        repeated.String("id").ShouldBe(first.String("id"), "a repetition takes no place");
        (await host.Queue.TryClaimAsync("w", Cancel)).ShouldNotBeNull();
        (await api.PostAsync("/api/v1/runs", Body)).Status.ShouldBe(HttpStatusCode.Accepted);
    }

    [Fact]
    public async Task Everything_IsUnavailableWithATime_WhileRedisIsAway()
    {
        await using var host = await ApiHost.OpenAsync("redis");
        var api = await host.StartAsync();
        var id = await api.SubmitAsync("manual");

        await host.StopRedisAsync();
        var answers = await Task.WhenAll(
            api.PostAsync("/api/v1/runs", Body),
            api.PostAsync("/api/v1/runs", Body, ("Idempotency-Key", "\"k\"")),
            api.GetAsync("/api/v1/runs"),
            api.GetAsync($"/api/v1/runs/{id}"),
            api.SendAsync(HttpMethod.Post, $"/api/v1/runs/{id}/cancel"),
            api.SendAsync(HttpMethod.Delete, $"/api/v1/runs/{id}"));

        answers.ShouldAllBe(answer => answer.Status == HttpStatusCode.ServiceUnavailable && answer.ContentType == "application/problem+json");
        answers.ShouldAllBe(answer => answer.Response.Headers.RetryAfter!.Delta > TimeSpan.Zero);
    }

    [Fact]
    public async Task Writes_AreUnavailableWithATime_WhileAnotherProcessHoldsTheFile_AndReadsGoOn()
    {
        await using var host = await ApiHost.OpenAsync("sqlite");
        var api = await host.StartAsync();
        await using var other = new SqliteConnection($"Data Source={host.File};Pooling=False");
        other.Open();
        await using var held = other.BeginTransaction(deferred: false);

        var refused = await api.PostAsync("/api/v1/runs", Body);

        refused.Status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        refused.Response.Headers.RetryAfter!.Delta!.Value.ShouldBeGreaterThan(TimeSpan.Zero);
        (await api.GetAsync("/api/v1/runs")).Status.ShouldBe(HttpStatusCode.OK);
        await held.RollbackAsync(Cancel);
        (await api.PostAsync("/api/v1/runs", Body)).Status.ShouldBe(HttpStatusCode.Accepted);
    }
}
