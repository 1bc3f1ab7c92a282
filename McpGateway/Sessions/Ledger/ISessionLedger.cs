namespace McpGateway.Sessions.Ledger;

/// <summary>
/// Where gateways write down which upstream sessions they hold, so that one that starts can go on with them and those of a dead
/// one get ended. Entries have one owner each. Owner and epoch together are the fence: every write carries them, and is refused
/// once another gateway has claimed the entry. Owners and entries go by themselves after a time (<see cref="LedgerTimes"/>).
/// </summary>
/// <remarks>Every method throws <see cref="LedgerUnavailableException"/> when the store does not answer.</remarks>
internal interface ISessionLedger
{
    /// <summary>Writes a new entry, and that its owner lives. One that is there already is left as it is.</summary>
    Task RecordAsync(LedgerEntry entry, CancellationToken cancellationToken);

    /// <summary>Changes what is sealed and until when it is parked; false when the fence does not hold any more.</summary>
    Task<bool> RewriteAsync(LedgerEntry entry, CancellationToken cancellationToken);

    /// <summary>Removes an entry whose session has ended; false when the fence does not hold any more.</summary>
    Task<bool> ForgetAsync(LedgerEntry entry, CancellationToken cancellationToken);

    /// <summary>Says that the owner lives and still holds these entries; returns those it does not hold, by id.</summary>
    Task<IReadOnlyDictionary<string, LedgerLoss>> RenewAsync(string owner, IReadOnlyCollection<LedgerEntry> entries, CancellationToken cancellationToken);

    /// <summary>Says that the owner has ended; what it still holds can be claimed from now on.</summary>
    Task LeaveAsync(string owner, CancellationToken cancellationToken);

    /// <summary>Entries that are parked or whose owner is dead, oldest first.</summary>
    /// <param name="upstream">Of this upstream alone; null for all.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<IReadOnlyList<LedgerEntry>> ListClaimableAsync(string? upstream, CancellationToken cancellationToken);

    /// <summary>
    /// Makes the entry, as it was listed, the claimer's: owner changed, epoch one higher, parked no more. Of several claimers one
    /// wins; the others, and everybody when the owner lives after all, get null.
    /// </summary>
    Task<LedgerEntry?> ClaimAsync(LedgerEntry entry, string claimer, CancellationToken cancellationToken);
}

/// <summary>Why an owner does not hold an entry any more.</summary>
internal enum LedgerLoss
{
    /// <summary>It is not in the store: expired, or the store lost it.</summary>
    Gone,

    /// <summary>Another gateway has claimed it.</summary>
    Taken,
}

/// <summary>How long the ledger keeps what.</summary>
/// <param name="Owner">After its last sign of life a gateway counts as dead.</param>
/// <param name="Entry">After its owner's last sign of life, or its parking, an entry goes.</param>
internal sealed record LedgerTimes(TimeSpan Owner, TimeSpan Entry);

/// <summary>The store behind the ledger does not answer.</summary>
internal sealed class LedgerUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
