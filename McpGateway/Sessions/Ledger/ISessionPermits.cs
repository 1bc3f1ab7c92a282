namespace McpGateway.Sessions.Ledger;

/// <summary>
/// Who of all gateways may have the session of an upstream that is configured to have one at most. Taken before it is opened or
/// resumed, given back after its link has ended. Where only one process can hold sessions, its pool alone counts.
/// </summary>
internal interface ISessionPermits
{
    /// <summary>Takes the permit of an upstream; waits while an earlier session of this gateway's is still being ended. Null where none is needed.</summary>
    /// <exception cref="UpstreamException">Another gateway has it, or the store does not say who does.</exception>
    Task<SessionPermit?> TakeAsync(string upstream, CancellationToken cancellationToken);

    /// <summary>Says that those held here are still in use; at each heartbeat of the ledger.</summary>
    Task RenewAsync(CancellationToken cancellationToken);
}

/// <summary>For a gateway on a store of its own: its pool's limit is the whole limit.</summary>
internal sealed class NoSessionPermits : ISessionPermits
{
    public Task<SessionPermit?> TakeAsync(string upstream, CancellationToken cancellationToken) => Task.FromResult<SessionPermit?>(null);

    public Task RenewAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
