using System.Text;

namespace McpGateway.Upstreams.Links;

/// <summary>Values of mirrored headers: plain when they are visible ASCII, else <c>=?base64?…?=</c> over UTF-8 (SEP-2243).</summary>
internal static class HeaderText
{
    private const string Prefix = "=?base64?";
    private const string Suffix = "?=";

    public static string Encode(string value)
    {
        var plain = value.All(c => c is >= ' ' and <= '~') && value.Trim() == value && !value.StartsWith(Prefix, StringComparison.Ordinal);
        return plain ? value : $"{Prefix}{Convert.ToBase64String(Encoding.UTF8.GetBytes(value))}{Suffix}";
    }

    /// <summary>The text a header stands for; null when it claims to be encoded and is not.</summary>
    public static string? Decode(string header)
    {
        var encoded = header.Length >= Prefix.Length + Suffix.Length && header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) && header.EndsWith(Suffix, StringComparison.Ordinal);
        if (!encoded) return header;
        var bytes = new byte[header.Length];
        return Convert.TryFromBase64String(header[Prefix.Length..^Suffix.Length], bytes, out var written) ? Encoding.UTF8.GetString(bytes, 0, written) : null;
    }
}
