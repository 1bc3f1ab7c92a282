namespace McpGateway.Sessions;

/// <summary>
/// Whether an operator has taken an upstream out of use, and whether its calls are given up. It belongs to the upstream and stands in front of whatever sessions it
/// has or does not have yet. Invariant: who waits for a session looks here after he has been counted as waiting, and who drains or
/// gives up wakes those who are counted; so nobody sleeps through it.
/// </summary>
internal sealed class OperatorDrain(string upstream)
{
    private static readonly TimeSpan s_retry = TimeSpan.FromSeconds(30);

    private int _on;
    private int _abandoned;

    public bool IsOn => Volatile.Read(ref _on) != 0;

    // Interlocked: what the caller reads next must not have been read before.
    public void Begin() => Interlocked.Exchange(ref _on, 1);

    public void End() => Interlocked.Exchange(ref _on, 0);

    /// <summary>Gives up the calls that wait for a session, for good. Those that have one are ended by their own deadline, and their sessions are kept.</summary>
    public void Abandon() => Interlocked.Exchange(ref _abandoned, 1);

    /// <exception cref="UpstreamException">It is drained, or its calls are given up.</exception>
    public void ThrowIfOn()
    {
        if (IsOn) throw Refusal();
        if (Volatile.Read(ref _abandoned) != 0)
        {
            throw new UpstreamException(FailureKind.Unreachable,
                $"No session of upstream '{upstream}' became free before the gateway had to let go of the call: the gateway stops, or the upstream's configuration has changed (Gateway:DrainTimeout is how long it waits). Try again.", retryAfter: TimeSpan.FromSeconds(1));
        }
    }

    public UpstreamException Refusal() => new(FailureKind.Throttled,
        $"Upstream '{upstream}' was drained by an operator, who takes it back with POST /upstreams/{upstream}/warm.", retryAfter: s_retry);
}
