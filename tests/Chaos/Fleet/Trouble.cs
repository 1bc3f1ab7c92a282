namespace Chaos.Fleet;

/// <summary>What an upstream's misbehaviour excuses in all calls that meet it. What is done to one call alone, the upstream notes under its id.</summary>
internal enum TroubleKind
{
    /// <summary>It opens no sessions, or the gateway has not yet found out that it does again: a caller may hear that it is not available.</summary>
    Down,

    /// <summary>Connections, streams or processes end with whatever is on them: a caller may hear that the outcome is unknown.</summary>
    Cuts,
}

/// <summary>When an upstream was in which trouble. Invariant: <c>_gate</c> guards the list; a trouble without an end lasts.</summary>
internal sealed class TroubleLog
{
    private readonly Lock _gate = new();
    private readonly List<Trouble> _troubles = [];

    /// <summary>Begins a trouble, which lasts until the returned object is disposed.</summary>
    public IDisposable Begin(params TroubleKind[] kinds)
    {
        var begun = kinds.Select(kind => new Trouble(kind, Clock.Now)).ToList();
        lock (_gate) _troubles.AddRange(begun);
        return new Ending(this, begun);
    }

    /// <summary>Whether there was such a trouble at some time of a call.</summary>
    public bool Excuses(TroubleKind kind, TimeSpan from, TimeSpan to)
    {
        lock (_gate) return _troubles.Exists(trouble => trouble.Kind == kind && trouble.From <= to && (trouble.To ?? to) >= from);
    }

    /// <summary>The last troubles that began before the end of a call, for people.</summary>
    public string Around(TimeSpan to)
    {
        lock (_gate)
        {
            return string.Join(", ", _troubles.Where(trouble => trouble.From <= to).OrderBy(trouble => trouble.From).TakeLast(3)
                .Select(trouble => $"{trouble.Kind} {trouble.From.TotalSeconds:0.00}..{trouble.To?.TotalSeconds:0.00} s"));
        }
    }

    private void End(List<Trouble> troubles)
    {
        lock (_gate) troubles.ForEach(trouble => trouble.To = Clock.Now);
    }

    private sealed class Trouble(TroubleKind kind, TimeSpan from)
    {
        public TroubleKind Kind => kind;
        public TimeSpan From => from;
        public TimeSpan? To { get; set; }
    }

    private sealed class Ending(TroubleLog log, List<Trouble> troubles) : IDisposable
    {
        public void Dispose() => log.End(troubles);
    }
}

/// <summary>Time since the start of the tests, by which calls are laid beside troubles.</summary>
internal static class Clock
{
    private static readonly long s_start = TimeProvider.System.GetTimestamp();

    public static TimeSpan Now => TimeProvider.System.GetElapsedTime(s_start);

    public static Task DelayAsync(int milliseconds, CancellationToken cancellationToken) =>
        Task.Delay(TimeSpan.FromMilliseconds(milliseconds), TimeProvider.System, cancellationToken);
}
