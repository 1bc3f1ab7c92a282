namespace Chaos.Fleet;

/// <summary>An upstream of the gateway under test that can be told to misbehave, and that remembers what it executed through all of it.</summary>
internal abstract class FleetMember(string name, string mode) : IAsyncDisposable
{
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

    /// <summary>Ends all misbehaviour.</summary>
    public abstract Task BehaveAsync();

    /// <summary>How often each call id was executed, restarts included.</summary>
    public abstract IReadOnlyDictionary<string, int> Executions();

    /// <summary>Handshakes answered so far, restarts included.</summary>
    public abstract int Handshakes { get; }

    public abstract ValueTask DisposeAsync();

    protected abstract IReadOnlyList<(string What, Func<Random, CancellationToken, Task> Act)> Ways { get; }
}
