namespace McpGateway.Endpoints.Portable;

/// <summary>What another gateway, or this one after a restart, needs to go on with a client's session. Streams and calls under way are not part of it.</summary>
/// <param name="Id">The session's id; no credential.</param>
/// <param name="Scope">The upstream of its endpoint; null for the aggregate.</param>
/// <param name="Principal">Whose it is.</param>
/// <param name="Introduction">What its client said of itself.</param>
internal sealed record ClientSessionRecord(string Id, string? Scope, string Principal, ClientIntroduction Introduction);
