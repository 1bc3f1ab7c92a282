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
        ("hangs", (random, stop) => FaultAsync(new Fault { Kind = FaultKind.Hang, Methods = ["tools/call"], Times = 1 }, random, stop)),
        ("restarts", (_, _) => RestartAsync()),
    ];

    private UpstreamRecord Record => new(_folder);

    public override Task BehaveAsync() => TellAllAsync(client => client.BehaveAsync());

    public override UpstreamCalls Calls() => new(Record.Arrivals, Record.Executions, Record.Faults);

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task FaultAsync(Fault fault, Random random, CancellationToken cancellationToken)
    {
        using var cut = Troubles.Begin(TroubleKind.Cuts);
        var told = await TellAllAsync(client => client.SetAsync(fault, cancellationToken));
        try
        {
            await Clock.DelayAsync(random.Next(200, 800), cancellationToken);
        }
        finally
        {
            await BehaveAsync();
            if (fault.Kind != FaultKind.Hang) await Task.WhenAll(told.Select(process => GoneOrWellAsync(process, fault.Kind)));
        }
    }

    /// <summary>Ends every process, with what runs on it.</summary>
    private async Task RestartAsync()
    {
        using var cut = Troubles.Begin(TroubleKind.Cuts);
        var told = await TellAllAsync(client => client.RestartAsync());
        await Task.WhenAll(told.Select(process => Eventually.HoldsAsync(() => !IsAlive(process.ProcessId))));
    }

    /// <summary>Waits for the end of a process that the fault has struck: until then it may take what it will not answer.</summary>
    private static Task<bool> GoneOrWellAsync((int ProcessId, Uri Control) process, FaultKind kind) => Eventually.SeesAsync(
        async () =>
        {
            if (!IsAlive(process.ProcessId)) return true;
            using var client = new ControlClient(process.Control);
            return !(await client.ReadAsync()).Counters.FaultsFired.ContainsKey(kind);
        },
        goneOrWell => goneOrWell);

    private async Task<IReadOnlyList<(int ProcessId, Uri Control)>> TellAllAsync(Func<ControlClient, Task> tell)
    {
        var living = Record.Controls.Where(control => IsAlive(control.ProcessId)).ToList();
        foreach (var (_, control) in living)
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

        return living;
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
