namespace ConformanceUpstream.Calls;

/// <summary>Severities of RFC 5424, as MCP spells them.</summary>
internal static class Severity
{
    private static readonly string[] s_levels = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

    public static bool IsKnown(string? level) => s_levels.Contains(level);

    /// <summary>Whether a message of a level is at least as severe as the least wanted one.</summary>
    public static bool Reaches(string level, string least) => Array.IndexOf(s_levels, level) >= Array.IndexOf(s_levels, least);
}
