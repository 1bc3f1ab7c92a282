namespace RepositoryTools.Analysis;

/// <summary>Picks the lines that are code: not blank, not comment, not only brackets, not an import.</summary>
internal static class CodeLineReading
{
    private static readonly string[] _imports =
        ["using ", "global using ", "import ", "from ", "#include", "#pragma", "#region", "#endregion", "package ", "namespace ", "require ", "require_relative ", "use "];

    /// <summary>The code lines of a text, each with a hash that white space does not change.</summary>
    internal static List<CodeLine> Read(string[] lines, Language language)
    {
        List<CodeLine> code = [];
        var inComment = false;
        for (var i = 0; i < lines.Length; i++)
        {
            var line = lines[i].AsSpan().Trim();
            if (!InComment(line, language, ref inComment) && HasSubstance(line) && !IsImport(line))
            {
                code.Add(new(Hash(line), i + 1));
            }
        }

        return code;
    }

    /// <summary>Whether a line is nothing but comment. A comment behind code leaves the line code.</summary>
    private static bool InComment(ReadOnlySpan<char> line, Language language, ref bool inComment)
    {
        if (language.BlockComment is var (start, end))
        {
            if (inComment)
            {
                inComment = line.IndexOf(end, StringComparison.Ordinal) < 0;
                return true;
            }

            if (line.StartsWith(start, StringComparison.Ordinal))
            {
                var rest = line[start.Length..];
                var close = rest.IndexOf(end, StringComparison.Ordinal);
                inComment = close < 0;
                return inComment || rest[(close + end.Length)..].Trim().IsEmpty;
            }
        }

        foreach (var marker in language.LineComments)
        {
            if (line.StartsWith(marker, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A line with neither letter nor digit (a brace, a bracket, a comma) says nothing by itself.</summary>
    private static bool HasSubstance(ReadOnlySpan<char> line)
    {
        foreach (var c in line)
        {
            if (char.IsLetterOrDigit(c))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A using statement or declaration is code; only directives are passed over.</summary>
    private static bool IsImport(ReadOnlySpan<char> line)
    {
        foreach (var import in _imports)
        {
            if (line.StartsWith(import, StringComparison.Ordinal))
            {
                return import != "using " || (line.IndexOf('(') < 0 && !line.StartsWith("using var ", StringComparison.Ordinal));
            }
        }

        return false;
    }

    // FNV-1a over the characters, white space folded to one blank.
    private static ulong Hash(ReadOnlySpan<char> line)
    {
        var hash = 14695981039346656037UL;
        var blank = false;
        foreach (var c in line)
        {
            if (char.IsWhiteSpace(c))
            {
                blank = true;
                continue;
            }

            if (blank)
            {
                hash = (hash ^ ' ') * 1099511628211UL;
                blank = false;
            }

            hash = (hash ^ c) * 1099511628211UL;
        }

        return hash;
    }
}
