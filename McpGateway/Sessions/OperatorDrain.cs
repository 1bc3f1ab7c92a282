namespace McpGateway.Sessions;

/// <summary>
/// Whether an operator has taken an upstream out of use. It belongs to the upstream and stands in front of whatever sessions it
/// has or does not have yet. Invariant: who waits for a session looks here after he has been counted as waiting, and who drains
/// wakes those who are counted; so nobody sleeps through it.
/// </summary>
internal sealed class OperatorDrain(string upstream)
{
    private static readonly TimeSpan s_retry = TimeSpan.FromSeconds(30);

    private int _on;

    public bool IsOn => Volatile.Read(ref _on) != 0;

    // Interlocked: what the caller reads next must not have been read before.
    public void Begin() => Interlocked.Exchange(ref _on, 1);

    public void End() => Interlocked.Exchange(ref _on, 0);

    /// <exception cref="UpstreamException">It is drained.</exception>
    public void ThrowIfOn()
    {
        if (IsOn) throw Refusal();
    }

    public UpstreamException Refusal() => new(FailureKind.Throttled,
        $"Upstream '{upstream}' was drained by an operator, who takes it back with POST /upstreams/{upstream}/warm.", retryAfter: s_retry);
}
