namespace McpGateway.Sessions;

/// <summary>What the sessions of an upstream know of it and ask of it.</summary>
internal sealed record PoolHost
{
    /// <summary>Its name.</summary>
    public required string Upstream { get; init; }

    public required PoolOptions Options { get; init; }

    public required Breaker Breaker { get; init; }

    public required OperatorDrain Drain { get; init; }

    public required WarmHint Hint { get; init; }

    /// <summary>Says that more sessions may be wanted. Never waits.</summary>
    public required Action Request { get; init; }

    /// <summary>How many handshakes have been under way for so long that they may not be answered.</summary>
    public Func<int> CountLongHandshakes { get; init; } = static () => 0;

    /// <summary>Whether a gateway that stopped has left this key's own session, as far as is known without asking anybody.</summary>
    public Func<SessionKey, bool> IsParked { get; init; } = static _ => false;

    /// <summary>Says that a pinned session was taken from its owner.</summary>
    public required Action<SessionKey> OnEvicted { get; init; }

    public required PoolMeter Meter { get; init; }

    public required Timeline Timeline { get; init; }

    public required TimeProvider Time { get; init; }

    public required ILogger Logger { get; init; }
}
