using System.Text.RegularExpressions;
using RepositoryTools.Repositories;
using RepositoryTools.Serving;

namespace RepositoryTools.Analysis;

/// <summary>Looks through files line by line.</summary>
internal sealed class LineSearch
{
    /// <summary>No more matches than this are counted.</summary>
    internal const int MaxMatches = 10_000;

    private const int MaxLine = 300;
    private static readonly TimeSpan _matchLimit = TimeSpan.FromMilliseconds(500);
    private readonly Func<string, int> _find;

    private LineSearch(Func<string, int> find) => _find = find;

    /// <summary>The search for a query.</summary>
    /// <exception cref="ToolError">The query spans lines or is no regular expression.</exception>
    internal static LineSearch For(string query, bool regex)
    {
        if (query.AsSpan().IndexOfAny('\n', '\r') >= 0)
        {
            throw new ToolError("'query' holds a line break, and lines are searched one by one: give one line of it.");
        }

        if (!regex)
        {
            return new(line => line.IndexOf(query, StringComparison.OrdinalIgnoreCase));
        }

        var expression = Expression(query);
        return new(line => expression.Match(line) is { Success: true } match ? match.Index : -1);
    }

    /// <summary>The matching lines in the order of the files, and whether there were more than are counted.</summary>
    internal (List<CodeMatch> Matches, bool IsCut) Run(RepositoryRoot root, IReadOnlyList<SourceFile> files, CancellationToken cancellationToken)
    {
        var found = new List<CodeMatch>?[files.Count];
        try
        {
            Parallel.For(0, files.Count, new ParallelOptions { CancellationToken = cancellationToken, MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
            {
                found[i] = files[i].Reading is null ? null : InFile(root, files[i].Path, cancellationToken);
            });
        }
        catch (AggregateException faults) when (faults.InnerExceptions.Any(e => e is RegexMatchTimeoutException))
        {
            throw new ToolError("'query' takes too long to match a single line: use a simpler regular expression, without nested repetitions.");
        }

        List<CodeMatch> all = [.. found.Where(m => m is not null).SelectMany(m => m!).Take(MaxMatches + 1)];
        return all.Count > MaxMatches ? (all[..MaxMatches], true) : (all, false);
    }

    private List<CodeMatch>? InFile(RepositoryRoot root, string path, CancellationToken cancellationToken)
    {
        List<CodeMatch>? matches = null;
        var lines = FileText.Lines(root.Read(path).Text ?? "");
        for (var i = 0; i < lines.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_find(lines[i]) is var at and >= 0)
            {
                (matches ??= []).Add(new(path, i + 1, Shown(lines[i], at)));
            }
        }

        return matches;
    }

    /// <summary>The line; of a long one the part around the match.</summary>
    private static string Shown(string line, int at)
    {
        if (line.Length <= MaxLine)
        {
            return line.Trim();
        }

        var start = Math.Clamp(at - (MaxLine / 3), 0, line.Length - MaxLine);
        return $"{(start > 0 ? "…" : "")}{line.Substring(start, MaxLine).Trim()}{(start + MaxLine < line.Length ? "…" : "")}";
    }

    /// <summary>Without backtracking where the expression allows, so that no pattern can hang the search.</summary>
    private static Regex Expression(string query)
    {
        try
        {
            try
            {
                return new(query, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking, _matchLimit);
            }
            catch (NotSupportedException)
            {
                return new(query, RegexOptions.CultureInvariant, _matchLimit);
            }
        }
        catch (ArgumentException fault)
        {
            throw new ToolError($"'query' is no regular expression: {fault.Message} Correct it, or leave 'regex' out to search for the text itself.");
        }
    }
}
