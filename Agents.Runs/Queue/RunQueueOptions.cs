namespace Agents.Runs;

/// <summary>The times of the queue.</summary>
public sealed class RunQueueOptions
{
    /// <summary>How long a claim or a renewal holds: 30 s.</summary>
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a worker renews, on a timer of its own that no tool call can hold up: 10 s.</summary>
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How often runs whose lease expired are looked for: 15 s.</summary>
    public TimeSpan Reaper { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How many attempts may be lost before the run fails: 3.</summary>
    public int MaxAttempts { get; set; } = 3;
}
