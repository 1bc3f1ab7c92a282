namespace McpGateway.Sessions;

/// <summary>What happened to an upstream, newest first, for a person who asks why. Keeps the last hundred events.</summary>
internal sealed class Timeline(TimeProvider time)
{
    private const int Length = 100;

    private readonly Lock _lock = new();
    private readonly Queue<TimelineEvent> _events = new(Length);

    public void Add(string what, string? reason = null)
    {
        lock (_lock)
        {
            if (_events.Count == Length) _events.Dequeue();
            _events.Enqueue(new TimelineEvent(time.GetUtcNow(), what, reason));
        }
    }

    public IReadOnlyList<TimelineEvent> Read()
    {
        lock (_lock) return [.. _events.Reverse()];
    }
}

/// <summary>One event of a <see cref="Timeline"/>.</summary>
internal sealed record TimelineEvent(DateTimeOffset At, string What, string? Reason);
