namespace McpGateway.Sessions.Ledger;

/// <summary>What the ledger logs; event ids 5000s. Session ids and keys are never part of it.</summary>
internal static partial class LedgerLog
{
    [LoggerMessage(5001, LogLevel.Warning, "The session ledger does not answer; the gateway goes on without it, and sessions opened now cannot be resumed until it is back. {Reason}")]
    public static partial void LedgerLost(this ILogger logger, string reason);

    [LoggerMessage(5002, LogLevel.Information, "The session ledger answers again.")]
    public static partial void LedgerBack(this ILogger logger);

    [LoggerMessage(5003, LogLevel.Information, "Session {Session} of {Upstream} resumed in {Milliseconds:0} ms: {Origin}.")]
    public static partial void SessionResumed(this ILogger logger, long session, string upstream, double milliseconds, string origin);

    [LoggerMessage(5004, LogLevel.Information, "A session of {Upstream} in the ledger was not resumed: {Reason}")]
    public static partial void SessionNotResumed(this ILogger logger, string upstream, string reason);

    [LoggerMessage(5005, LogLevel.Information, "An orphaned session of {Upstream} was ended at the upstream: {Reason}.")]
    public static partial void OrphanReaped(this ILogger logger, string upstream, string reason);

    [LoggerMessage(5006, LogLevel.Warning, "An orphaned session of {Upstream} could not be ended; it is tried again: {Reason}")]
    public static partial void OrphanLeft(this ILogger logger, string upstream, string reason);

    [LoggerMessage(5007, LogLevel.Warning, "An entry of {Upstream} in the session ledger was dropped: {Reason}.")]
    public static partial void EntryDropped(this ILogger logger, string upstream, string reason);

    [LoggerMessage(5008, LogLevel.Warning, "The session ledger holds sessions sealed with key '{Key}', which is not known here; they are left alone. Give all gateways the same Gateway:Keys.")]
    public static partial void KeyUnknown(this ILogger logger, string key);

    [LoggerMessage(5009, LogLevel.Warning, "The session ledger is in Redis, but Gateway:Keys is not set: sessions are sealed with the key file {File}, so gateways elsewhere cannot resume them.")]
    public static partial void KeysNotShared(this ILogger logger, string file);

    [LoggerMessage(5010, LogLevel.Error, "A round of the session ledger failed in a way nobody foresaw; it goes on.")]
    public static partial void RoundFailed(this ILogger logger, Exception exception);

    [LoggerMessage(5011, LogLevel.Information, "Sessions that wait in the ledger for the callers they belong to: {Count}.")]
    public static partial void SessionsWait(this ILogger logger, int count);

    [LoggerMessage(5012, LogLevel.Information, "No gateway can prove here that another has ended, so its sessions are left until its time is over (Gateway:OwnerTimeout): no lock is held in {Directory}: {Reason}")]
    public static partial void OwnerUnproven(this ILogger logger, string directory, string reason);

    [LoggerMessage(5013, LogLevel.Information, "Gateway {Owner} of this storage directory has ended without a stop; what it held upstream is taken over or ended now.")]
    public static partial void OwnerDead(this ILogger logger, string owner);
}
