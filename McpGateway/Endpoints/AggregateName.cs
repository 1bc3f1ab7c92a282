namespace McpGateway.Endpoints;

/// <summary>Names on the aggregate: <c>upstream__tool</c>. An upstream's name never holds the separator, so the first one splits.</summary>
internal static class AggregateName
{
    public const string Separator = "__";

    public static string Join(string upstream, string tool) => upstream + Separator + tool;

    public static (string Upstream, string Tool)? Split(string name)
    {
        var at = name.IndexOf(Separator, StringComparison.Ordinal);
        return at > 0 && at + Separator.Length < name.Length ? (name[..at], name[(at + Separator.Length)..]) : null;
    }
}
