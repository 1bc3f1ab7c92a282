using System.Text.Json;
using Agents.Runs;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Agents.Worker.Tests.Runs;

/// <summary>A whole worker in this process, on SQLite in a folder of the test's own.</summary>
internal sealed class WorkerHost : IAsyncDisposable
{
    private readonly IHost _host;

    private WorkerHost(IHost host) => _host = host;

    public IRunStore Store => _host.Services.GetRequiredService<IRunStore>();

    public IRunQueue Queue => _host.Services.GetRequiredService<IRunQueue>();

    public IRunEvents Events => _host.Services.GetRequiredService<IRunEvents>();

    public static async Task<WorkerHost> StartAsync(
        string directory, string? gateway, IChatClient? model = null, IReadOnlyDictionary<string, string?>? settings = null, Action<IServiceCollection>? configure = null)
    {
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Tools:Endpoint"] = gateway ?? "http://127.0.0.1:1/mcp",
            ["Tools:ReconnectDelay"] = "00:00:00",
            ["Tools:StartPatience"] = "00:00:00",
            ["Worker:DrainTime"] = "00:00:05",
        });
        if (model is not null) builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?> { ["Models:Provider"] = "openai", ["Models:Model"] = "scripted" });
        builder.Configuration.AddInMemoryCollection(settings ?? new Dictionary<string, string?>());
        builder.Logging.AddFilter((_, _) => false);
        builder.AddServiceDefaults();
        builder.Services.AddRuns(_ => directory);
        builder.Services.AddModels().AddAgents().AddTools().AddDispatch();
        if (model is not null) builder.Services.AddSingleton(model);
        configure?.Invoke(builder.Services);
        var worker = new WorkerHost(builder.Build());
        await worker._host.StartAsync();
        return worker;
    }

    public IAgentDefinitions Definitions => _host.Services.GetRequiredService<IAgentDefinitions>();

    public Task<string> SubmitAsync(
        string query, IReadOnlyList<string>? agents = null, RunBudget? budget = null, RunTools? tools = null, string? conversation = null, string? owner = null) =>
        SubmitAsync(query, [.. (agents ?? BuiltInAgents.Default).Select(name => new AgentExecution { Name = name })], budget, tools, conversation, owner);

    public async Task<string> SubmitAsync(
        string query, IReadOnlyList<AgentExecution> agents, RunBudget? budget = null, RunTools? tools = null, string? conversation = null, string? owner = null)
    {
        var run = new AgentRun
        {
            Id = AgentRun.NewId(TimeProvider.System),
            Repository = "shop",
            Query = query,
            Agents = agents,
            Budget = budget ?? new RunBudget(),
            Tools = tools,
            ConversationId = conversation,
            Owner = owner,
            CreatedAt = TimeProvider.System.GetUtcNow(),
        };
        await Store.CreateAsync(run, CancellationToken.None);
        await Queue.EnqueueAsync(run.Id, CancellationToken.None);
        return run.Id;
    }

    public Task<AgentRun> EndOfAsync(string runId) =>
        Eventually.SeesAsync(async () => (await Store.GetAsync(runId, CancellationToken.None))!, run => run.State.IsEnded());

    public async Task<AgentRun> RunAsync(string query, IReadOnlyList<string>? agents = null, RunBudget? budget = null, RunTools? tools = null) =>
        await EndOfAsync(await SubmitAsync(query, agents, budget, tools));

    public async Task<IReadOnlyList<RunEvent>> EventsOfAsync(string runId) => await Events.ReadAsync(runId, 0, 10_000, CancellationToken.None);

    public async Task<string> TextOfAsync(string runId, string agent) =>
        string.Concat((await EventsOfAsync(runId)).Where(e => e.Agent == agent && e.Type == RunEventTypes.TextDelta).Select(e => e.Data.GetProperty("text").GetString()));

    public Task StopAsync() => _host.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        if (_host is IAsyncDisposable disposable) await disposable.DisposeAsync();
    }

    public static string Json(object value) => JsonSerializer.Serialize(value);
}
