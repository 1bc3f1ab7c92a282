using System.Net.Http.Json;
using System.Text.Json;
using Agents.Worker.Tests.Kill;
using Agents.Worker.Tests.Tools;

namespace Agents.Worker.Tests.Streams;

/// <summary>The Api and a worker as processes, with a model and a gateway of the tests' own.</summary>
public sealed class StreamHost : IAsyncLifetime
{
    private RunsStorage? _storage;
    private GatewayServer? _gateway;
    private TalkingModel? _model;
    private ServiceProcess? _api;
    private ServiceProcess? _worker;

    public HttpClient Client => _api!.Client;

    /// <summary>Where the Api listens, as the scripts take it.</summary>
    public string Address => StreamClients.Address(_api!.BaseAddress);

    public async ValueTask InitializeAsync()
    {
        _storage = await RunsStorage.OpenAsync("sqlite");
        _gateway = await GatewayServer.StartAsync(RepositoryAnswers.Tools, RepositoryAnswers.Answer);
        _model = await TalkingModel.StartAsync();
        _api = await ServiceProcess.StartAsync("Agents.Api", environment: _storage.Settings);
        _worker = await ServiceProcess.StartAsync("Agents.Worker", environment: new Dictionary<string, string?>(_storage.Settings)
        {
            ["Models__Provider"] = "openai",
            ["Models__BaseUrl"] = _model.BaseUrl,
            ["Models__Model"] = "talking",
            ["Models__RetryDelay"] = "00:00:00",
            ["Tools__Endpoint"] = _gateway.Endpoint,
            ["Tools__StartPatience"] = "00:00:00",
        });
    }

    /// <summary>Ends the model's pauses.</summary>
    public void GoOn() => _model!.GoOn();

    /// <summary>Breaks the model's stream.</summary>
    public void Break() => _model!.Break();

    public Task<string> SubmitAsync(string query, params string[] agents) => SubmitAsync(new { repository = "self", query, agents });

    public async Task<string> SubmitAsync(object request)
    {
        using var answer = await Client.PostAsJsonAsync("/api/v1/runs", request, TestContext.Current.CancellationToken);
        var run = await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        answer.IsSuccessStatusCode.ShouldBeTrue(run.GetRawText());
        return run.GetProperty("id").GetString()!;
    }

    public async Task DecideAsync(string runId, string approvalId, string decision)
    {
        using var answer = await Client.PostAsJsonAsync($"/api/v1/runs/{runId}/approvals/{approvalId}", new { decision }, TestContext.Current.CancellationToken);
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>The run, once it is in this state.</summary>
    public Task<JsonElement> BecomesAsync(string runId, string state) => Eventually.SeesAsync(
        () => Client.GetFromJsonAsync<JsonElement>($"/api/v1/runs/{runId}", TestContext.Current.CancellationToken),
        run => run.GetProperty("state").GetString() == state);

    /// <summary>Follows a run until it says a word.</summary>
    public async Task FollowUntilAsync(string runId, string word)
    {
        await using var body = await Client.GetStreamAsync($"/api/v1/runs/{runId}/events", TestContext.Current.CancellationToken);
        using var reader = new StreamReader(body);
        while (await reader.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            if (line.Contains(word, StringComparison.Ordinal)) return;
        }

        throw new InvalidOperationException($"The stream ended without '{word}'.");
    }

    /// <summary>Both clients read the run and find nothing to object to.</summary>
    public async Task<JsonElement> ReadAsync(string runId)
    {
        var read = await StreamClients.ReadAsync(_api!.BaseAddress, runId);
        read.GetProperty("problems").EnumerateArray().Select(problem => problem.GetString()).ShouldBeEmpty();
        return read;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var part in new IAsyncDisposable?[] { _worker, _api, _model, _gateway, _storage })
        {
            if (part is not null) await part.DisposeAsync();
        }
    }
}
