namespace RepositoryTools.Analysis;

/// <summary>Finds the last line of a declaration in masked lines.</summary>
internal static class EntityEnd
{
    // A body that has not begun after so many lines of parameters does not belong to the declaration.
    private const int MaxHead = 30;

    private static readonly string[] _leftOpen = [",", "=", "=>", "->", "(", ":", "&&", "||", "+"];
    private static readonly string[] _continued = ["{", "where", "throws ", "extends ", "implements ", ":", "->", "=>", "=", ".", "&&", "||", "noexcept", "with "];

    /// <summary>The 0-based last line of what starts at line <paramref name="start"/>.</summary>
    internal static int Of(string[] masked, int start, Language language) => language.Name switch
    {
        "Python" => ByIndentation(masked, start),
        "Ruby" => ByEnd(masked, start),
        "SQL" => BySemicolon(masked, start),
        _ => ByBraces(masked, start),
    };

    private static int ByIndentation(string[] masked, int start)
    {
        var indentation = Indentation(masked[start]);
        var last = start;
        var open = 0;
        for (var i = start; i < masked.Length; i++)
        {
            if (i > start && open <= 0 && !string.IsNullOrWhiteSpace(masked[i]) && Indentation(masked[i]) <= indentation)
            {
                break;
            }

            // Parameters over several lines may stand at any column.
            open += masked[i].Count(c => c is '(' or '[' or '{') - masked[i].Count(c => c is ')' or ']' or '}');
            last = string.IsNullOrWhiteSpace(masked[i]) ? last : i;
        }

        return last;
    }

    private static int ByEnd(string[] masked, int start)
    {
        var indentation = Indentation(masked[start]);
        for (var i = start + 1; i < masked.Length; i++)
        {
            if (Indentation(masked[i]) <= indentation && masked[i].AsSpan().Trim() is "end")
            {
                return i;
            }
        }

        return start;
    }

    private static int BySemicolon(string[] masked, int start)
    {
        for (var i = start; i < masked.Length; i++)
        {
            if (masked[i].Contains(';', StringComparison.Ordinal))
            {
                return i;
            }
        }

        return masked.Length - 1;
    }

    private static int ByBraces(string[] masked, int start)
    {
        var (depth, parentheses, begun) = (0, 0, false);
        for (var i = start; i < masked.Length; i++)
        {
            foreach (var c in masked[i])
            {
                depth += c switch { '{' => 1, '}' => -1, _ => 0 };
                parentheses += c switch { '(' or '[' => 1, ')' or ']' => -1, _ => 0 };
                begun |= c == '{';
                if ((c == '}' && depth <= 0) || (c == ';' && !begun && parentheses <= 0))
                {
                    return i;
                }
            }

            if (!begun && (i - start >= MaxHead || (parentheses <= 0 && !HeadGoesOn(masked, i))))
            {
                return i - start >= MaxHead ? start : i;
            }
        }

        return begun ? masked.Length - 1 : start;
    }

    /// <summary>Whether a declaration without a body so far goes on in the next line.</summary>
    private static bool HeadGoesOn(string[] masked, int i)
    {
        if (_leftOpen.Any(o => masked[i].AsSpan().TrimEnd().EndsWith(o, StringComparison.Ordinal)))
        {
            return true;
        }

        var next = masked.Skip(i + 1).FirstOrDefault(l => !string.IsNullOrWhiteSpace(l))?.Trim() ?? "";
        return _continued.Any(c => next.StartsWith(c, StringComparison.Ordinal));
    }

    private static int Indentation(string line) => line.Length - line.AsSpan().TrimStart().Length;
}
