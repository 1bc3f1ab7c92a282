namespace ConformanceUpstream.Protocol;

/// <summary>The MCP revisions, spelled as on the wire.</summary>
internal static class Revision
{
    public const string Modern = "2026-07-28";
    public const string LatestLegacy = "2025-11-25";

    private static readonly string[] s_legacy = [LatestLegacy, "2025-06-18", "2025-03-26", "2024-11-05"];

    /// <summary>The revision to speak with a client that asked for one.</summary>
    public static string Negotiate(string? asked) => s_legacy.Contains(asked) ? asked! : LatestLegacy;

    public static bool IsLegacy(string? version) => s_legacy.Contains(version);

    /// <summary>Whether streams begin with an empty event that a client can resume from (SEP-1699).</summary>
    public static bool PrimesStreams(string version) => version == LatestLegacy;
}
