namespace McpGateway.Protocol;

/// <summary>Severities of log messages, as <c>notifications/message</c> spells them, least severe first.</summary>
internal static class LogSeverity
{
    private static readonly string[] s_levels = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

    /// <summary>All of them, for people.</summary>
    public static string All { get; } = string.Join(", ", s_levels);

    /// <summary>True for a text that is a level.</summary>
    public static bool IsLevel(string? text) => Array.IndexOf(s_levels, text) >= 0;

    /// <summary>True when a message of this level passes one who asked for <paramref name="least"/>. What is no level passes: it is not the gateway's to judge.</summary>
    public static bool Passes(string? level, string? least)
    {
        var at = Array.IndexOf(s_levels, level);
        return at < 0 || at >= Array.IndexOf(s_levels, least);
    }
}
