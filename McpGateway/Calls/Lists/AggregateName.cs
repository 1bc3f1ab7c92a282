using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace McpGateway.Calls.Lists;

/// <summary>
/// Names of tools and prompts on the aggregate. The plain form is <c>upstream__name</c>. Model APIs take names of 1 to 64 letters,
/// digits, <c>_</c> and <c>-</c> only; what does not fit gets a short form: the same with other characters replaced, cut, and ended by
/// <c>_</c> and twelve digits of a hash of the whole. A name depends on its upstream and itself alone, so it is the same on every
/// replica, after every restart, and whichever other upstreams there are.
/// </summary>
internal static class AggregateName
{
    public const string Separator = "__";

    /// <summary>What OpenAI's and Anthropic's APIs take: <c>^[a-zA-Z0-9_-]{1,64}$</c>.</summary>
    public const int MaxLength = 64;

    private const int HashDigits = 12;

    private static readonly SearchValues<char> s_allowed = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

    private static readonly SearchValues<char> s_digits = SearchValues.Create("0123456789abcdef");

    /// <summary>Its name here.</summary>
    public static string Of(string upstream, string name)
    {
        var plain = upstream + Separator + name;
        return IsPlain(upstream, plain) ? plain : Shorten(upstream, name, plain);
    }

    /// <summary>Takes a plain name apart; an upstream's name never holds the separator, so the first one splits. Null for what is no name here.</summary>
    public static (string Upstream, string Name)? Split(string name)
    {
        var at = name.IndexOf(Separator, StringComparison.Ordinal);
        return at > 0 && at + Separator.Length < name.Length ? (name[..at], name[(at + Separator.Length)..]) : null;
    }

    /// <summary>True for a name that is a short form: only the list that it was made for knows what it stands for. No plain name looks like one.</summary>
    public static bool IsShort(string name) =>
        name.Length > HashDigits && name[^(HashDigits + 1)] == '_' && name.AsSpan(name.Length - HashDigits).IndexOfAnyExcept(s_digits) < 0;

    /// <summary>Of an upstream that ends in <c>_</c> the first separator would be found one character too early.</summary>
    private static bool IsPlain(string upstream, string plain) =>
        plain.Length <= MaxLength && upstream[^1] != '_' && !plain.AsSpan().ContainsAnyExcept(s_allowed) && !IsShort(plain);

    private static string Shorten(string upstream, string name, string plain)
    {
        var room = MaxLength - upstream.Length - Separator.Length - HashDigits - 1;
        var start = string.Create(Math.Min(name.Length, room), name, static (span, name) =>
        {
            for (var i = 0; i < span.Length; i++) span[i] = s_allowed.Contains(name[i]) ? name[i] : '_';
        });
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(plain)).AsSpan(0, HashDigits / 2));
        return $"{upstream}{Separator}{start}_{hash}";
    }
}
