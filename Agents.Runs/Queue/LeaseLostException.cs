namespace Agents.Runs;

/// <summary>A write was refused because another worker took the run, or because the run ended or was deleted. The worker must stop.</summary>
public sealed class LeaseLostException : Exception
{
    /// <summary>Says that <paramref name="lease"/> no longer holds.</summary>
    public LeaseLostException(RunLease lease)
        : base($"The lease of worker {lease?.WorkerId} on run {lease?.RunId} (attempt {lease?.Attempt}) no longer holds.")
    {
    }
}
