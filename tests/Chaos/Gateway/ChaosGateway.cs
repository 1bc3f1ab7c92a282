using System.Diagnostics;
using System.Text.Json.Nodes;
using Chaos.Fleet;

namespace Chaos.Gateway;

/// <summary>Where the gateway listens, and how often it was started: clients' sessions with an earlier one are gone.</summary>
internal readonly record struct GatewayAddress(Uri Address, int Generation);

/// <summary>The gateway as callers know it.</summary>
internal interface IChaosGateway
{
    GatewayAddress Current { get; }

    HttpClient Client { get; }

    /// <summary>Waits until it can be reached again.</summary>
    Task BackAsync(CancellationToken cancellationToken);
}

/// <summary>The real gateway in a process of its own, in front of a fleet; it can be killed and started again on the same store.</summary>
internal sealed class ChaosGateway : IChaosGateway, IAsyncDisposable
{
    private readonly TemporaryDirectory _directory;
    private readonly IReadOnlyList<FleetMember> _fleet;
    private ServiceProcess _service = null!;
    private GatewayAddress _current;
    private TaskCompletionSource _back = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly string[] _settings;

    private ChaosGateway(TemporaryDirectory directory, IReadOnlyList<FleetMember> fleet, string[] settings) => (_directory, _fleet, _settings) = (directory, fleet, settings);

    public GatewayAddress Current => _current;

    public HttpClient Client { get; } = new() { Timeout = TimeSpan.FromMinutes(5) };

    /// <param name="directory">For its configuration and its store.</param>
    /// <param name="fleet">The upstreams.</param>
    /// <param name="settings">Further arguments.</param>
    public static async Task<ChaosGateway> StartAsync(TemporaryDirectory directory, IReadOnlyList<FleetMember> fleet, params string[] settings)
    {
        var gateway = new ChaosGateway(directory, fleet, settings);
        directory.Write("mcp.json", $"{{ \"mcpServers\": {{ {string.Join(", ", fleet.Select(member => member.Entry).Prepend("\"repository\": { \"disabled\": true }"))} }} }}");
        await gateway.LaunchAsync();
        foreach (var member in fleet) member.IsWellAsync = () => gateway.IsWellAsync(member.Name);
        return gateway;
    }

    public Task BackAsync(CancellationToken cancellationToken) => _back.Task.WaitAsync(cancellationToken);

    /// <summary>Waits until these upstreams are ready with a free session.</summary>
    public async Task ReadyAsync(params IEnumerable<FleetMember> members)
    {
        foreach (var member in members)
            await Eventually.SeesAsync(() => ReportAsync(member.Name), report => report["state"]!.GetValue<string>() == "ready", TimeSpan.FromSeconds(60));
    }

    /// <summary>Waits until it has so many sessions of an upstream open and free.</summary>
    public Task<JsonNode> HoldsAsync(FleetMember member, int idle) =>
        Eventually.SeesAsync(() => ReportAsync(member.Name), report => report["pool"]!["idle"]!.GetValue<int>() == idle, TimeSpan.FromSeconds(60));

    public async Task<JsonNode> ReportAsync(string upstream) => JsonNode.Parse(await Client.GetStringAsync(new Uri(_current.Address, $"/upstreams/{upstream}")))!;

    /// <summary>Whether its last handshake with an upstream succeeded and none is under way.</summary>
    private async Task<bool> IsWellAsync(string upstream)
    {
        var report = await ReportAsync(upstream);
        // An upstream that asked for a pause while it had sessions enough is ready, but opens no other until the pause is over.
        var pauses = report["next_attempt_at"]?.GetValue<DateTimeOffset>() > TimeProvider.System.GetUtcNow();
        return report["state"]!.GetValue<string>() is "ready" or "idle" && report["pool"]!["opening"]!.GetValue<int>() == 0 && !pauses;
    }

    /// <summary>Open handles, and memory in MiB, of its process.</summary>
    public (int Handles, long Mebibytes) Footprint()
    {
        using var process = Process.GetProcessById(_service.Id);
        return (process.HandleCount, process.WorkingSet64 / (1024 * 1024));
    }

    /// <summary>Leaves the log of the process beside the tests.</summary>
    /// <returns>The file.</returns>
    public string SaveLog(string name)
    {
        var file = Path.Combine(AppContext.BaseDirectory, $"{name}.log");
        File.WriteAllLines(file, _service.Output);
        return file;
    }

    /// <summary>Kills the process alone, as the kernel does: its children have to notice.</summary>
    public async Task KillAsync()
    {
        _back = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using (var process = Process.GetProcessById(_service.Id)) process.Kill();
        await _service.WaitForExitAsync();
    }

    /// <summary>Starts it anew after its end.</summary>
    public async Task RelaunchAsync()
    {
        var dead = _service;
        await LaunchAsync();
        await dead.DisposeAsync();
    }

    /// <summary>Stops it as an orchestrator does.</summary>
    /// <returns>The exit code.</returns>
    public Task<int> StopAsync() => _service.StopAsync(TimeSpan.FromSeconds(45));

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _service.DisposeAsync();
        foreach (var member in _fleet) await member.DisposeAsync();
    }

    private async Task LaunchAsync()
    {
        _service = await ServiceProcess.StartAsync("McpGateway", ["--Gateway:ConfigFile", _directory.PathOf("mcp.json"), "--Storage:Directory", _directory.FullPath, .. _settings]);
        _current = new GatewayAddress(_service.BaseAddress, _current.Generation + 1);
        _back.TrySetResult();
    }
}
