namespace Agents.Runs;

/// <summary>Where a run's client wants to be told that it ended, or that it waits for approval.</summary>
public sealed record RunWebhook
{
    /// <summary>An absolute http or https URL.</summary>
    public string? Url { get; init; }
}
