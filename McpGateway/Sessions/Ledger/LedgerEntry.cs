namespace McpGateway.Sessions.Ledger;

/// <summary>One upstream session as the ledger holds it. Everything that would let a reader use the session is sealed.</summary>
internal sealed record LedgerEntry
{
    /// <summary>Random; says nothing of the session.</summary>
    public required string Id { get; init; }

    public required string Upstream { get; init; }

    /// <summary>The configuration the session was opened with; it is of no use under another.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>The gateway that holds it: an id of one process, never used again.</summary>
    public required string Owner { get; init; }

    /// <summary>How often it has had an owner. With <see cref="Owner"/> the fence.</summary>
    public long Epoch { get; init; } = 1;

    /// <summary>A <see cref="SessionSecret"/>, sealed.</summary>
    public required string Sealed { get; init; }

    public required DateTimeOffset OpenedAt { get; init; }

    /// <summary>Set by a gateway that has stopped: until then the session waits for another one; afterwards it is to be ended.</summary>
    public DateTimeOffset? ParkedUntil { get; init; }

    /// <summary>What the seal is bound to: a sealed text moved to another entry does not open.</summary>
    public string Binding => $"{Upstream}\n{Fingerprint}\n{Id}";
}
