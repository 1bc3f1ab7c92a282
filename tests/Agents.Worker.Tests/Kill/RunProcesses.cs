using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Agents.Runs;
using Agents.Worker.Tests.Tools;

namespace Agents.Worker.Tests.Kill;

/// <summary>Api and workers as processes on one store, with a model and a gateway of the test's own, and a client that follows one run from its begin.</summary>
internal sealed class RunProcesses(RunsStorage storage, ScriptedModel model, GatewayServer gateway) : IAsyncDisposable
{
    private readonly List<ServiceProcess> _processes = [];
    private ServiceProcess? _api;

    public string RunId { get; private set; } = "";

    /// <summary>What the client has heard so far.</summary>
    public ConcurrentQueue<RunEvent> Heard { get; } = new();

    /// <summary>Completes with all events of the run, which came over one connection.</summary>
    public Task<List<RunEvent>> Stream { get; private set; } = Task.FromResult<List<RunEvent>>([]);

    public async Task<ServiceProcess> StartWorkerAsync()
    {
        var settings = storage.Settings;
        settings["Models__Provider"] = "openai";
        settings["Models__BaseUrl"] = model.BaseUrl;
        settings["Models__Model"] = "scripted";
        settings["Tools__Endpoint"] = gateway.Endpoint;
        settings["Tools__StartPatience"] = "00:00:00";
        settings["Tools__ReconnectDelay"] = "00:00:00";
        var worker = await ServiceProcess.StartAsync("Agents.Worker", environment: settings);
        _processes.Add(worker);
        return worker;
    }

    /// <summary>Kills all there are.</summary>
    public async Task KillAsync()
    {
        foreach (var process in _processes)
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
    }

    /// <summary>Another process of the Api; it is the one that clients ask from now on.</summary>
    public async Task<HttpClient> StartApiAsync()
    {
        _api = await ServiceProcess.StartAsync("Agents.Api", environment: storage.Settings);
        _processes.Add(_api);
        return _api.Client;
    }

    /// <summary>Makes a run through the Api and begins to follow it there.</summary>
    public async Task SubmitAsync(object? tools = null)
    {
        var api = await StartApiAsync();
        using var answer = await api.PostAsJsonAsync(
            "/api/v1/runs", new { repository = "self", query = "What next?", agents = new[] { BuiltInAgents.ConvoStarter }, tools }, TestContext.Current.CancellationToken);
        var run = (await answer.Content.ReadFromJsonAsync<JsonObject>(TestContext.Current.CancellationToken))!;
        answer.IsSuccessStatusCode.ShouldBeTrue(run.ToJsonString());
        RunId = run["id"]!.ToString();
        Stream = FollowAsync();
    }

    public async Task<AgentRun> EndAsync()
    {
        var run = await Eventually.SeesAsync(() => storage.GetAsync(RunId), run => run.State.IsEnded(), TimeSpan.FromMinutes(1));
        run.State.ShouldBe(RunState.Completed, run.Error + run.Agents[0].Error);
        await UnderstoodAsync();
        return run;
    }

    /// <summary>The clients of other people read the run's stream as our own does, whatever happened to its workers.</summary>
    public async Task UnderstoodAsync()
    {
        var read = await StreamClients.ReadAsync(_api!.BaseAddress, RunId);
        read.GetProperty("problems").EnumerateArray().Select(problem => problem.GetString()).ShouldBeEmpty();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes) await process.DisposeAsync();
    }

    private async Task<List<RunEvent>> FollowAsync()
    {
        await using var body = await _api!.Client.GetStreamAsync($"/api/v1/runs/{RunId}/events", TestContext.Current.CancellationToken);
        using var reader = new StreamReader(body);
        while (await reader.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal)) Heard.Enqueue(JsonSerializer.Deserialize<RunEvent>(line["data: ".Length..], RunsJson.Options)!);
        }

        return [.. Heard];
    }
}
