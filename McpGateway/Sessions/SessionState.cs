namespace McpGateway.Sessions;

/// <summary>Where a session stands. Changed by compare-and-set only.</summary>
internal enum SessionState
{
    /// <summary>Ready and used by nobody. The only state in which a session may be in the idle channel.</summary>
    Idle,

    /// <summary>At least one call is on it.</summary>
    Leased,

    /// <summary>Every call on it waits for its client's input, outside of any request.</summary>
    Parked,

    /// <summary>Taken out by the keeper to be checked or closed, as a caller takes it out to use it: the two never meet.</summary>
    Reserved,

    /// <summary>It has failed; whoever holds it last closes it.</summary>
    Broken,

    /// <summary>Its link is closed.</summary>
    Closed,
}
