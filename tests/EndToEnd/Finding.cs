using System.Text.RegularExpressions;

namespace EndToEnd;

/// <summary>A place in a repository, as findings name it.</summary>
internal sealed partial record Finding(string File, int Line)
{
    /// <summary>Every <c>file:line</c> in a text.</summary>
    public static IReadOnlyList<Finding> In(string text) =>
        [.. Place().Matches(text).Select(match => new Finding(match.Groups[1].Value, int.Parse(match.Groups[2].ValueSpan, System.Globalization.CultureInfo.InvariantCulture)))];

    public bool ExistsIn(string repository)
    {
        var path = Path.Combine(repository, File);
        return System.IO.File.Exists(path) && Line >= 1 && Line <= System.IO.File.ReadLines(path).Count();
    }

    [GeneratedRegex(@"([\w./-]+\.\w+):(\d+)")]
    private static partial Regex Place();
}
