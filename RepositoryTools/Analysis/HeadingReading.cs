namespace RepositoryTools.Analysis;

/// <summary>Reads the headings of Markdown: a section reaches to the next heading of its level or above.</summary>
internal static class HeadingReading
{
    /// <summary>The headings in order.</summary>
    internal static List<Entity> Read(string path, string[] lines)
    {
        List<(int Level, int Line, string Title)> headings = [];
        var fenced = false;
        for (var i = 0; i < lines.Length; i++)
        {
            var line = lines[i];
            if (line.TrimStart().StartsWith("```", StringComparison.Ordinal))
            {
                fenced = !fenced;
            }

            var level = line.TakeWhile(c => c == '#').Count();
            if (!fenced && level is > 0 and <= 6 && line.Length > level && line[level] == ' ')
            {
                headings.Add((level, i + 1, line[level..].Trim().TrimEnd('#').TrimEnd()));
            }
        }

        return [.. headings.Select((h, i) =>
        {
            var next = headings.FindIndex(i + 1, other => other.Level <= h.Level);
            return new Entity(h.Title, "heading", path, h.Line, next < 0 ? lines.Length : headings[next].Line - 1);
        })];
    }
}
