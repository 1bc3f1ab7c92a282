using System.Net.Http.Json;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;

namespace Agents.Api.Tests;

/// <summary>What happens around the life of the process.</summary>
public sealed class StartTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Service_NamesEveryWrongRepository_AndDoesNotStart()
    {
        using var storage = new TemporaryDirectory();
        await using var api = ServiceProcess.Launch("Agents.Api", "http://127.0.0.1:0", environment: new Dictionary<string, string?>
        {
            ["Storage__Directory"] = storage.FullPath,
            ["Repositories__first__Path"] = storage.PathOf("missing"),
            ["Repositories__second__Branch"] = "main",
        });

        (await api.WaitForExitAsync()).ShouldBe(1);

        var said = string.Join('\n', api.Output);
        said.ShouldContain("Repositories:first:Path");
        said.ShouldContain("there is no such folder");
        said.ShouldContain("Repositories:second:Path is missing");
        said.ShouldContain("Agents.Api did not start:");
    }

    [Fact]
    public async Task Service_RefusesAFileOfANewerVersion_WithASentence()
    {
        using var storage = new TemporaryDirectory();
        await using (var file = new SqliteConnection($"Data Source={storage.PathOf("agents.db")};Pooling=False"))
        {
            file.Open();
            using var command = file.CreateCommand();
            command.CommandText = "PRAGMA user_version = 99";
            command.ExecuteNonQuery();
        }

        await using var api = ServiceProcess.Launch("Agents.Api", "http://127.0.0.1:0", environment: new Dictionary<string, string?> { ["Storage__Directory"] = storage.FullPath });

        (await api.WaitForExitAsync()).ShouldBe(1);
        string.Join('\n', api.Output).ShouldContain("newer version");
    }

    [Fact]
    public async Task Service_StopsInTime_WhenStreamsAndWaitersAreOpen()
    {
        using var storage = new TemporaryDirectory();
        await using var api = await ServiceProcess.StartAsync("Agents.Api", environment: new Dictionary<string, string?> { ["Storage__Directory"] = storage.FullPath });
        var waiting = api.Client.PostAsJsonAsync("/api/v1/agents/execute", new { repository_name = "self", user_query = "nobody works" }, Cancel);
        var run = await Eventually.SeesAsync(
            async () => await api.Client.GetStringAsync("/api/v1/runs", Cancel), text => text.Contains("run_", StringComparison.Ordinal));
        var id = run[run.IndexOf("run_", StringComparison.Ordinal)..].Split('"')[0];
        using var stream = await api.Client.GetAsync($"/api/v1/runs/{id}/events", HttpCompletionOption.ResponseHeadersRead, Cancel);

        (await api.StopAsync(TimeSpan.FromSeconds(20))).ShouldBe(0);

        using var answer = await waiting;
        ((int)answer.StatusCode).ShouldBe(202);
    }

    [Fact]
    public async Task Runs_AreAllThere_WhenTheServiceIsKilledAmidSubmits()
    {
        using var storage = new TemporaryDirectory();
        var acknowledged = new List<string>();
        await using (var api = await ServiceProcess.StartAsync("Agents.Api", environment: new Dictionary<string, string?> { ["Storage__Directory"] = storage.FullPath }))
        {
            var submitting = Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
            {
                while (true)
                {
                    using var answer = await api.Client.PostAsJsonAsync("/api/v1/runs", new { repository = "self", query = "q" }, Cancel);
                    lock (acknowledged)
                        acknowledged.Add(answer.Headers.Location!.ToString().Split('/')[^1]);
                }
            }));
            await Eventually.HoldsAsync(() => acknowledged.Count > 50);
            api.Kill();
            await Should.ThrowAsync<HttpRequestException>(() => submitting);
        }

        await using var services = new ServiceCollection().AddLogging().AddRuns(_ => storage.FullPath).BuildServiceProvider();
        var queue = services.GetRequiredService<IRunQueue>();
        var claimed = new List<string>();
        while (await queue.TryClaimAsync("w", Cancel) is { } lease)
            claimed.Add(lease.RunId);
        claimed.Distinct().Count().ShouldBe(claimed.Count);
        acknowledged.Except(claimed).ShouldBeEmpty();
        // One submit per client may have been stored whose answer was lost with the process.
        claimed.Except(acknowledged).Count().ShouldBeLessThanOrEqualTo(4);
    }
}
