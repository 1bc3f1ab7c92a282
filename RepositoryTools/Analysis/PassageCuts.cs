namespace RepositoryTools.Analysis;

/// <summary>Cuts a file into passages: where something is declared, with the comment above it, and wherever one grows too long.</summary>
internal static class PassageCuts
{
    private const int MaxLines = 40;
    private const int MinLines = 4;

    private static readonly HashSet<string> _small = ["field", "constant", "property", "enum_member", "event"];

    /// <summary>First and last line of each passage, 1-based, without gaps; passages of blank lines are left out.</summary>
    internal static IEnumerable<(int Start, int End)> Of(string[] lines, IReadOnlyList<Entity> entities)
    {
        var starts = entities.Where(e => !_small.Contains(e.Kind)).Select(e => WithComment(lines, e.Line)).ToHashSet();
        var start = 1;
        for (var line = 2; line <= lines.Length + 1; line++)
        {
            var ends = line > lines.Length
                || (starts.Contains(line) && line - start >= MinLines)
                || line - start >= MaxLines;
            if (!ends)
            {
                continue;
            }

            if (lines.AsSpan(start - 1, line - start).ContainsAnyExcept(""))
            {
                yield return (start, line - 1);
            }

            start = line;
        }
    }

    /// <summary>The first line of the comment or attributes right above a declaration.</summary>
    private static int WithComment(string[] lines, int line)
    {
        while (line > 1 && lines[line - 2].AsSpan().TrimStart() is ['/' or '*' or '#' or '[' or '@' or '-', ..])
        {
            line--;
        }

        return line;
    }
}
