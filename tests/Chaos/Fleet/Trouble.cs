namespace Chaos.Fleet;

/// <summary>What an upstream's misbehaviour excuses.</summary>
internal enum TroubleKind
{
    /// <summary>It takes no calls: a caller may hear that it is not available.</summary>
    Down,

    /// <summary>Calls that are running may lose their answer: a caller may hear that the outcome is unknown.</summary>
    Breaks,
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

    /// <summary>Whether there was such a trouble at some time of a call, or so shortly before that it still counts.</summary>
    public bool Excuses(TroubleKind kind, TimeSpan from, TimeSpan to, TimeSpan afterEffect)
    {
        lock (_gate) return _troubles.Exists(trouble => trouble.Kind == kind && trouble.From <= to && (trouble.To ?? to) + afterEffect >= from);
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
