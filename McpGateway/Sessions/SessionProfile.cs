using System.Collections.Concurrent;
using McpGateway.Protocol;

namespace McpGateway.Sessions;

/// <summary>
/// What a session was opened as: the revision asked for and what the client can do. Servers of the legacy kind fix their
/// behaviour, even their tool list, at <c>initialize</c>, so a session serves callers of its own profile only. One object per
/// profile: they are compared by reference, and there are no more than revisions times sets of known capabilities.
/// </summary>
internal sealed class SessionProfile
{
    private static readonly ConcurrentDictionary<(string Version, ClientCapabilities Capabilities), SessionProfile> s_all = new();

    private SessionProfile(string version, ClientCapabilities capabilities) => (Version, Capabilities) = (version, capabilities);

    /// <summary>Newest legacy revision without capabilities: for callers that say nothing of themselves, and for upstreams to which it makes no difference.</summary>
    public static SessionProfile Default { get; } = Of(McpVersion.LatestLegacy, ClientCapabilities.None);

    /// <summary>The revision to ask for; the upstream may agree on another one.</summary>
    public string Version { get; }

    public ClientCapabilities Capabilities { get; }

    /// <exception cref="ArgumentException">The revision has no handshake.</exception>
    public static SessionProfile Of(string version, ClientCapabilities capabilities) => McpVersion.IsLegacy(version)
        ? s_all.GetOrAdd((version, capabilities.Completed()), static key => new SessionProfile(key.Version, key.Capabilities))
        : throw new ArgumentException($"There is no handshake of revision '{version}'.", nameof(version));

    /// <summary>One spelling per profile, for people and the ledger.</summary>
    public override string ToString() => Capabilities == ClientCapabilities.None ? Version : $"{Version} with {Capabilities}";
}
