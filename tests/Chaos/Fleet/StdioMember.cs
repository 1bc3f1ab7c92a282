using System.Diagnostics;
using FaultyUpstream.Control;
using FaultyUpstream.Faults;

namespace Chaos.Fleet;

/// <summary>
/// An upstream of processes that the gateway starts. What they execute, and where they are told what to do, is in a folder that outlives them.
/// </summary>
internal sealed class StdioMember(string name, string mode, TemporaryDirectory directory, string pool) : FleetMember(name, mode)
{
    private readonly string _folder = Directory.CreateDirectory(directory.PathOf("record", name)).FullName;

    public override string Entry =>
        $"\"{Name}\": {{ \"command\": \"dotnet\", \"args\": [\"{RepositoryRoot.AssemblyOf("tests/FaultyUpstream")}\", \"--stdio\", \"--record\", \"{_folder}\"], \"pool\": {{ \"mode\": \"{Mode}\"{pool} }} }}";

    /// <summary>Each process is one session.</summary>
    public override int Handshakes => Directory.GetFiles(_folder, "*.executions").Length;

    /// <summary>Process ids of those that live.</summary>
    public IReadOnlyList<int> Living => [.. Record.Controls.Select(control => control.ProcessId).Where(IsAlive)];

    protected override IReadOnlyList<(string What, Func<Random, CancellationToken, Task> Act)> Ways =>
    [
        ("crashes before dispatch", (random, stop) => FaultAsync(new Fault { Kind = FaultKind.Crash, Executes = false, Methods = ["tools/call"], Times = 1 }, random, stop)),
        ("cuts answers", (random, stop) => FaultAsync(new Fault { Kind = FaultKind.Cut, Methods = ["tools/call"], Times = 1 }, random, stop)),
        ("crashes after dispatch", (random, stop) => FaultAsync(new Fault { Kind = FaultKind.Crash, Methods = ["tools/call"], Times = 1 }, random, stop)),
    ];

    private UpstreamRecord Record => new(_folder);

    public override Task BehaveAsync() => TellAllAsync(client => client.BehaveAsync());

    public override IReadOnlyDictionary<string, int> Executions() => Record.Executions;

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task FaultAsync(Fault fault, Random random, CancellationToken cancellationToken)
    {
        using var trouble = Troubles.Begin(TroubleKind.Breaks);
        await TellAllAsync(client => client.SetAsync(fault, cancellationToken));
        await Clock.DelayAsync(random.Next(200, 800), cancellationToken);
        await BehaveAsync();
    }

    private async Task TellAllAsync(Func<ControlClient, Task> tell)
    {
        foreach (var (_, control) in Record.Controls.Where(control => IsAlive(control.ProcessId)))
        {
            using var client = new ControlClient(control);
            try
            {
                await tell(client);
            }
            catch (HttpRequestException)
            {
                // It has died meanwhile, perhaps as told.
            }
        }
    }

    private static bool IsAlive(int process)
    {
        try
        {
            using var found = Process.GetProcessById(process);
            return !found.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
