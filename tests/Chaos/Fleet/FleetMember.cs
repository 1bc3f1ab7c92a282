namespace Chaos.Fleet;

/// <summary>An upstream of the gateway under test that can be told to misbehave, and that remembers what it executed through all of it.</summary>
internal abstract class FleetMember(string name, string mode) : IAsyncDisposable
{
    /// <summary>The gateway asks again after 30 s at the latest; on a busy machine a process then takes its time to start.</summary>
    private static readonly TimeSpan s_longestBackOff = TimeSpan.FromMinutes(3);

    private readonly List<Task> _recoveries = [];

    public string Name => name;

    /// <summary>The pool's mode, as the configuration spells it.</summary>
    public string Mode => mode;

    public TroubleLog Troubles { get; } = new();

    /// <summary>Misbehaviours so far, by what they were.</summary>
    public Dictionary<string, int> Episodes { get; } = [];

    /// <summary>How often callers choose it, among all.</summary>
    public int Weight { get; init; } = 10;

    /// <summary>True when each of its sessions keeps a state of its own.</summary>
    public bool KeepsState { get; init; } = true;

    /// <summary>Its entry under <c>mcpServers</c>.</summary>
    public abstract string Entry { get; }

    /// <summary>Misbehaves once, in one of its ways, for a moment.</summary>
    public async Task MisbehaveAsync(Random random, CancellationToken cancellationToken)
    {
        var episodes = Ways;
        var (what, act) = episodes[random.Next(episodes.Count)];
        Episodes[what] = Episodes.GetValueOrDefault(what) + 1;
        await act(random, cancellationToken);
    }

    /// <summary>Whether the gateway has no failed handshake to get over, and none under way; the gateway's own word, given by the test.</summary>
    public Func<Task<bool>> IsWellAsync { private get; set; } = () => Task.FromResult(true);

    /// <summary>Completes when every trouble that outlasts its cause is over.</summary>
    public Task RecoverAsync() => Task.WhenAll(_recoveries);

    /// <summary>Ends all misbehaviour.</summary>
    public abstract Task BehaveAsync();

    /// <summary>What became of its calls, restarts included.</summary>
    public abstract UpstreamCalls Calls();

    /// <summary>Handshakes answered so far, restarts included.</summary>
    public abstract int Handshakes { get; }

    public abstract ValueTask DisposeAsync();

    /// <summary>Ends a trouble once the gateway has found out that its cause is gone: it asks again only after a pause.</summary>
    protected void EndWhenWell(IDisposable trouble) => _recoveries.Add(EndWhenWellAsync(trouble));

    private async Task EndWhenWellAsync(IDisposable trouble)
    {
        using (trouble) await Eventually.SeesAsync(IsWellAsync, well => well, s_longestBackOff);
    }

    protected abstract IReadOnlyList<(string What, Func<Random, CancellationToken, Task> Act)> Ways { get; }
}
