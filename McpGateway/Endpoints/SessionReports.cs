using System.Text.Json;
using McpGateway.Endpoints.Streams;

namespace McpGateway.Endpoints;

/// <summary>What an operator sees of a client's session. Of its id only the beginning: enough to find it in a log.</summary>
internal sealed record SessionReport(
    string Id,
    string Endpoint,
    string Transport,
    string Version,
    string? Client,
    string Principal,
    double IdleSeconds,
    int Calls,
    IReadOnlyList<StreamReport> Streams);

/// <summary>The sessions that were used last, and how many there are.</summary>
internal sealed record SessionsReport(int Total, int Connections, IReadOnlyList<SessionReport> Sessions);

/// <summary>Answers <c>GET /sessions</c>.</summary>
internal static class SessionReports
{
    /// <summary>Sessions in one report at most.</summary>
    private const int Most = 1000;

    private const int IdLength = 12;

    public static SessionsReport Read(ClientSessions sessions, StreamHub hub, TimeProvider time) =>
        new(sessions.Count, hub.Count, [.. sessions.Read().Take(Most).Select(session => Report(session, time))]);

    private static SessionReport Report(ClientSession session, TimeProvider time) => new(
        session.Id[..IdLength],
        session.Scope is { } upstream ? $"/mcp/{upstream}" : "/mcp",
        session.Pair is null ? "http" : "sse",
        session.Introduction.Version,
        ClientName(session.Introduction.ClientInfo),
        session.Principal,
        Math.Round(time.GetElapsedTime(session.LastUsed).TotalSeconds),
        session.Calls,
        session.Streams.Report());

    private static string? ClientName(string? clientInfo)
    {
        if (clientInfo is null) return null;
        using var info = JsonDocument.Parse(clientInfo);
        return $"{Text("name")} {Text("version")}".Trim();

        string? Text(string name) => info.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
    }
}
