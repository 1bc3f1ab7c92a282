using McpGateway.Protocol;

namespace McpGateway.Upstreams;

/// <summary>How an upstream was found to speak. Kept across restarts, so that no upstream is probed twice.</summary>
/// <param name="Era">Legacy or modern.</param>
/// <param name="Transport">Never <see cref="UpstreamTransport.Auto"/>.</param>
/// <param name="DecidedAt">When it was found out.</param>
internal sealed record EraMemory(McpEra Era, UpstreamTransport Transport, DateTimeOffset DecidedAt)
{
    private static readonly TimeSpan s_legacyHoldsFor = TimeSpan.FromHours(24);

    /// <summary>A legacy verdict is looked at again after a day, since servers get updated; a modern one holds until it fails.</summary>
    public bool HoldsAt(DateTimeOffset now) => Era == McpEra.Modern || now - DecidedAt < s_legacyHoldsFor;
}
