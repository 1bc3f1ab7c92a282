using McpGateway.Upstreams;

namespace McpGateway.Sessions.Ledger;

/// <summary>
/// How upstreams were found to speak. One verdict per upstream, of one configuration: another address or command is found out
/// anew.
/// </summary>
/// <remarks>Every method throws <see cref="LedgerUnavailableException"/> when the store does not answer.</remarks>
internal interface IEraLedger
{
    Task<EraMemory?> FindAsync(string upstream, string fingerprint, CancellationToken cancellationToken);

    Task SaveAsync(string upstream, string fingerprint, EraMemory memory, CancellationToken cancellationToken);

    Task ForgetAsync(string upstream, CancellationToken cancellationToken);
}
