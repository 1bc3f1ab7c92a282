namespace FaultyUpstream.Protocol;

/// <summary>The MCP revisions this server speaks, spelled as on the wire.</summary>
internal static class Revision
{
    public const string Modern = "2026-07-28";
    public const string LatestLegacy = "2025-11-25";

    private static readonly string[] s_legacy = [LatestLegacy, "2025-06-18", "2025-03-26", "2024-11-05"];

    public static bool IsLegacy(string? version) => s_legacy.Contains(version);

    public static string Negotiate(string? asked) => IsLegacy(asked) ? asked! : LatestLegacy;

    /// <summary>What a server of an era can speak, newest first.</summary>
    public static IReadOnlyList<string> Of(UpstreamEra era) => era switch
    {
        UpstreamEra.Modern => [Modern],
        UpstreamEra.Both => [Modern, .. s_legacy],
        _ => s_legacy,
    };
}
