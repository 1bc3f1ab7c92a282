namespace Agents.Worker.Models;

/// <summary>What went wrong with a model request.</summary>
internal enum ModelFailure
{
    /// <summary>429: the quota of the key or the server is used up for now.</summary>
    RateLimited,

    /// <summary>5xx, 408, or no connection.</summary>
    Unavailable,

    /// <summary>No answer, or silence in the stream, for longer than allowed.</summary>
    Timeout,

    /// <summary>The stream ended before the turn did, or carried what is no JSON.</summary>
    BrokenStream,

    /// <summary>401 or 403.</summary>
    Unauthorized,

    /// <summary>Any other refusal; the same request would be refused again.</summary>
    Rejected,
}

/// <summary>A model request failed. The message is fit for the user and never contains the key.</summary>
internal sealed class ModelException(ModelFailure failure, string message, Exception? inner = null) : Exception(message, inner)
{
    public ModelFailure Failure { get; } = failure;

    /// <summary>HTTP status, when there was a response.</summary>
    public int? Status { get; init; }

    /// <summary>How long the server asked to wait.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>True when the same request may succeed later.</summary>
    public bool IsTransient => Failure is ModelFailure.RateLimited or ModelFailure.Unavailable or ModelFailure.Timeout or ModelFailure.BrokenStream;
}
