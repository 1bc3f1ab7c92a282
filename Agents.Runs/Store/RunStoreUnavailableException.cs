namespace Agents.Runs;

/// <summary>The store of runs does not answer. What was asked of it may or may not have happened; asking again does no harm.</summary>
public sealed class RunStoreUnavailableException : Exception
{
    /// <summary>Says why the store does not answer.</summary>
    public RunStoreUnavailableException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
