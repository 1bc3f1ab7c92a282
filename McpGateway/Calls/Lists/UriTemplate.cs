using System.Text;
using System.Text.RegularExpressions;

namespace McpGateway.Calls.Lists;

/// <summary>
/// Says whether a URI may have been made from a URI template (RFC 6570, all four levels). It asks less than the RFC does of the values, since
/// servers do. Takes time in proportion to the URI, whatever the template.
/// </summary>
internal sealed class UriTemplate
{
    /// <summary>Longer ones match nothing, and are found by the address under which they are listed only.</summary>
    private const int MaxLength = 2048;

    private readonly Regex? _pattern;

    private UriTemplate(Regex? pattern) => _pattern = pattern;

    public static UriTemplate Parse(string template)
    {
        if (template.Length > MaxLength) return new UriTemplate(null);
        var pattern = new StringBuilder(@"\A");
        for (var at = 0; at < template.Length;)
        {
            var open = template.IndexOf('{', at);
            var close = open < 0 ? -1 : template.IndexOf('}', open);
            if (close < 0) open = template.Length;
            pattern.Append(Regex.Escape(template[at..open]));
            if (close >= 0) pattern.Append(Translate(template.AsSpan((open + 1)..close)));
            at = close < 0 ? template.Length : close + 1;
        }

        return new UriTemplate(Compile(pattern.Append(@"\z").ToString()));
    }

    public bool Matches(string uri) => _pattern?.IsMatch(uri) == true;

    private static Regex? Compile(string pattern)
    {
        try
        {
            return new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.Singleline);
        }
        catch (NotSupportedException)
        {
            // Too many expressions for an automaton of bounded size.
            return null;
        }
    }

    /// <summary>What may stand for one expression. A name with <c>*</c> may go over several segments, which servers use for paths.</summary>
    private static string Translate(ReadOnlySpan<char> expression) => (expression.IsEmpty ? default : expression[0]) switch
    {
        '+' => ".+",
        '#' => "(#.*)?",
        '?' => "([?][^#]*)?",
        '&' => "(&[^#]*)?",
        ';' => "(;[^/?#]*)*",
        '/' => "(/[^?#]*)?",
        '.' => "([.][^/?#]*)?",
        _ => expression.Contains('*') ? ".+" : "[^/?#]+",
    };
}
