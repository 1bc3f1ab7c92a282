using McpGateway.Sessions.Ledger;

namespace McpGateway.Endpoints.Portable;

/// <summary>Where gateways keep their clients' sessions, so that each of them can serve any request. A session goes by itself when nobody has touched it for its time.</summary>
/// <remarks>Every method throws <see cref="LedgerUnavailableException"/> when the store does not answer.</remarks>
internal interface IClientSessionStore
{
    /// <summary>Writes a session, for that long.</summary>
    Task SaveAsync(ClientSessionRecord session, TimeSpan kept, CancellationToken cancellationToken);

    /// <summary>The session of that id; null when there is none (any more).</summary>
    Task<ClientSessionRecord?> FindAsync(string id, CancellationToken cancellationToken);

    /// <summary>Keeps sessions for that long from now on; those that have gone stay gone.</summary>
    Task TouchAsync(IReadOnlyCollection<string> ids, TimeSpan kept, CancellationToken cancellationToken);

    Task RemoveAsync(string id, CancellationToken cancellationToken);
}
