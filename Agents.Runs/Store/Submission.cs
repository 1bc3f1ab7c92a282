using System.Security.Cryptography;

namespace Agents.Runs;

/// <summary>
/// The name a client gave its submission, so that it can repeat it without making a second run
/// (draft-ietf-httpapi-idempotency-key-header).
/// </summary>
/// <param name="Owner">The caller; keys of different callers never meet. Null where nobody is authenticated.</param>
/// <param name="Key">The client's key.</param>
/// <param name="Fingerprint">What tells two requests apart; see <see cref="FingerprintOf"/>.</param>
public sealed record SubmissionKey(string? Owner, string Key, string Fingerprint)
{
    /// <summary>The fingerprint of a request's body.</summary>
    public static string FingerprintOf(ReadOnlySpan<byte> body) => Convert.ToHexStringLower(SHA256.HashData(body));

    /// <summary>One name for caller and key.</summary>
    internal string Digest => OwnedName.DigestOf(Owner, Key);
}

/// <summary>What came of a submission with a key.</summary>
public enum SubmissionOutcome
{
    /// <summary>The run is new.</summary>
    Created,

    /// <summary>The same request was made before: its run, as it is now.</summary>
    Repeated,

    /// <summary>The key was used for another request; nothing was stored.</summary>
    KeyReused,
}

/// <summary>What came of a submission with a key.</summary>
/// <param name="Outcome">Whether the run is new.</param>
/// <param name="Run">The run; null when the key was used for another request.</param>
public sealed record Submission(SubmissionOutcome Outcome, AgentRun? Run);
