namespace McpGateway.Sessions;

/// <summary>
/// Who a call is for. A session is never leased across two different keys. Upstream, configuration generation and credential
/// are the pool's own and so not in here.
/// </summary>
/// <param name="Principal">Who calls.</param>
/// <param name="Affinity">Calls with the same one get the same upstream session while it lives; null for a call that stands alone.</param>
/// <param name="IsOfSession">True when the affinity is a client's session with the gateway, which has an end of its own.</param>
/// <param name="IsOfGateway">True for the gateway's own reading, which waits its turn, leaves nothing behind and takes no session from anybody.</param>
internal readonly record struct SessionKey(string Principal, string? Affinity, bool IsOfSession = false, bool IsOfGateway = false)
{
    /// <summary>Without authentication the services answer on loopback only, and everybody there is this principal.</summary>
    public const string Anonymous = "anonymous";

    /// <summary>What its session must have been opened as.</summary>
    public SessionProfile Profile { get; init; } = SessionProfile.Default;
}
