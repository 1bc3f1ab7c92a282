using RepositoryTools.Repositories;

namespace RepositoryTools.Analysis;

/// <summary>Says how files were read.</summary>
internal static class ReadingMethods
{
    /// <summary>One sentence about the languages among the files.</summary>
    internal static string Of(IEnumerable<SourceFile> files)
    {
        var languages = files.Where(f => f.Reading is { Entities.Count: > 0 }).Select(f => f.Language!.Name).Distinct().Order(StringComparer.Ordinal).ToList();
        var others = languages.Where(l => l is not ("C#" or "Markdown")).ToList();
        List<string> parts = [];
        if (languages.Contains("C#"))
        {
            parts.Add($"C#: {CSharpReading.Method}");
        }

        if (others.Count > 0)
        {
            parts.Add($"{string.Join(", ", others)}: {SymbolReading.Method}");
        }

        if (languages.Contains("Markdown"))
        {
            parts.Add("Markdown: headings");
        }

        return parts.Count == 0 ? "no file in a language that is read for declarations" : string.Join("; ", parts);
    }
}
