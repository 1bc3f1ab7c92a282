namespace RepositoryTools.Analysis;

/// <summary>
/// The lines of a source text with comments and the inside of strings blanked out, so that braces, names and declarations
/// found in them are code. Columns stay as they are. A string that its language ends with the line ends there here too,
/// so that a misread quote spoils one line at most.
/// </summary>
internal sealed class MaskedLines
{
    private readonly Language _language;
    private readonly bool _singleQuotes;
    private readonly bool _backticks;
    private readonly bool _tripleQuotes;
    private string? _open;

    private MaskedLines(Language language)
    {
        _language = language;
        _singleQuotes = language.Name is "JavaScript" or "TypeScript" or "Python" or "Ruby" or "PHP" or "SQL" or "Shell" or "PowerShell" or "Vue" or "Dart" or "Lua";
        _backticks = language.Name is "JavaScript" or "TypeScript" or "Go" or "Vue";
        _tripleQuotes = language.Name is "Python" or "Kotlin" or "Swift" or "Scala" or "Java" or "C#";
    }

    /// <summary>Masks all lines of a text.</summary>
    internal static string[] Of(string[] lines, Language language)
    {
        var mask = new MaskedLines(language);
        return Array.ConvertAll(lines, mask.Line);
    }

    private string Line(string line)
    {
        var masked = line.ToCharArray();
        var i = 0;
        while (i < line.Length)
        {
            i = _open is null ? Code(line, i, masked) : Inside(line, i, masked);
        }

        if (_open is "\"" or "'")
        {
            _open = null;
        }

        return new string(masked);
    }

    /// <summary>Goes on behind the code character, the comment or the opening quote at <paramref name="i"/>.</summary>
    private int Code(string line, int i, char[] masked)
    {
        var rest = line.AsSpan(i);
        if (_language.BlockComment is var (start, end) && rest.StartsWith(start, StringComparison.Ordinal))
        {
            _open = end;
            return Blank(masked, i, start.Length);
        }

        foreach (var marker in _language.LineComments)
        {
            if (rest.StartsWith(marker, StringComparison.Ordinal) && !IsPartOfWord(line, i, marker))
            {
                return Blank(masked, i, rest.Length);
            }
        }

        if (_tripleQuotes && (rest.StartsWith("\"\"\"", StringComparison.Ordinal) || (_language.Name == "Python" && rest.StartsWith("'''", StringComparison.Ordinal))))
        {
            _open = rest[..3].ToString();
            return i + 3;
        }

        if (rest[0] == '"' || (rest[0] == '\'' && _singleQuotes) || (rest[0] == '`' && _backticks))
        {
            _open = rest[..1].ToString();
            return i + 1;
        }

        return rest[0] == '\'' ? i + CharacterLiteral(rest, masked, i) : i + 1;
    }

    private int Inside(string line, int i, char[] masked)
    {
        if (line[i] == '\\' && _open is "\"" or "'" or "`")
        {
            return Blank(masked, i, Math.Min(2, line.Length - i));
        }

        if (!line.AsSpan(i).StartsWith(_open, StringComparison.Ordinal))
        {
            return Blank(masked, i, 1);
        }

        var length = _open!.Length;
        var isQuote = _open[0] is '"' or '\'' or '`';
        _open = null;
        return isQuote ? i + length : Blank(masked, i, length);
    }

    /// <summary>A quoted character; a lone quote (a lifetime of Rust, an apostrophe) is nothing of the kind.</summary>
    private static int CharacterLiteral(ReadOnlySpan<char> rest, char[] masked, int i)
    {
        var length = rest.Length >= 3 && rest[1] != '\\' && rest[2] == '\'' ? 3
            : rest.Length >= 4 && rest[1] == '\\' && rest[2..Math.Min(rest.Length, 12)].IndexOf('\'') is var close and > 0 ? close + 3
            : 1;
        return length == 1 ? 1 : Blank(masked, i + 1, length - 2) + 1 - i;
    }

    /// <summary>In shells "$#" and "a#b" hold no comment.</summary>
    private static bool IsPartOfWord(string line, int i, string marker) =>
        marker == "#" && i > 0 && !char.IsWhiteSpace(line[i - 1]) && line[i - 1] is not (';' or ')' or '}' or ']' or ',' or ':');

    private static int Blank(char[] masked, int start, int length)
    {
        masked.AsSpan(start, length).Fill(' ');
        return start + length;
    }
}
