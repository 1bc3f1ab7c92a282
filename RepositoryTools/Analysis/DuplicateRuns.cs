using RepositoryTools.Repositories;

namespace RepositoryTools.Analysis;

/// <summary>Finds maximal runs of the same lines of code.</summary>
internal static class DuplicateRuns
{
    // Each place is compared with this many of those that start alike; where more do, only with the one before it.
    private const int MaxCompared = 12;

    /// <summary>A run of the same lines at two places, in code lines of two files.</summary>
    private readonly record struct Run(int FirstFile, int First, int SecondFile, int Second, int Length);

    /// <summary>The duplicates, longest first. No line is the second place of two of them.</summary>
    internal static List<Duplicate> Find(IReadOnlyList<SourceFile> files, int minLines, CancellationToken cancellationToken)
    {
        var code = files.Select(f => f.Reading!.CodeLines).ToArray();
        List<Run> runs = [];
        foreach (var places in Windows(code, minLines, cancellationToken))
        {
            cancellationToken.ThrowIfCancellationRequested();
            Compare(code, places, minLines, runs);
        }

        return Choose(files, code, runs, minLines, cancellationToken);
    }

    /// <summary>All places where the same <paramref name="size"/> lines start, by those lines.</summary>
    private static IEnumerable<List<(int File, int Line)>> Windows(IReadOnlyList<CodeLine>[] code, int size, CancellationToken cancellationToken)
    {
        Dictionary<ulong, List<(int File, int Line)>> windows = [];
        for (var file = 0; file < code.Length; file++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            for (var line = 0; line + size <= code[file].Count; line++)
            {
                var hash = 17UL;
                for (var i = 0; i < size; i++)
                {
                    hash = (hash * 0x9E3779B97F4A7C15UL) ^ code[file][line + i].Hash;
                }

                if (!windows.TryGetValue(hash, out var places))
                {
                    windows[hash] = places = [];
                }

                places.Add((file, line));
            }
        }

        return windows.Values.Where(p => p.Count > 1);
    }

    private static void Compare(IReadOnlyList<CodeLine>[] code, List<(int File, int Line)> places, int minLines, List<Run> runs)
    {
        for (var second = 1; second < places.Count; second++)
        {
            for (var first = places.Count > MaxCompared ? second - 1 : 0; first < second; first++)
            {
                if (Extend(code, places[first], places[second]) is { } run && run.Length >= minLines)
                {
                    runs.Add(run);
                }
            }
        }
    }

    /// <summary>The whole run from its first line; null when the line before is the same too, since that run is found there.</summary>
    private static Run? Extend(IReadOnlyList<CodeLine>[] code, (int File, int Line) first, (int File, int Line) second)
    {
        var (a, b) = (code[first.File], code[second.File]);
        if (first.Line > 0 && second.Line > 0 && a[first.Line - 1].Hash == b[second.Line - 1].Hash)
        {
            return null;
        }

        // Two places in one file must not run into each other.
        var room = first.File == second.File ? second.Line - first.Line : int.MaxValue;
        var length = 0;
        while (length < room && first.Line + length < a.Count && second.Line + length < b.Count
            && a[first.Line + length].Hash == b[second.Line + length].Hash)
        {
            length++;
        }

        return new(first.File, first.Line, second.File, second.Line, length);
    }

    /// <summary>Takes the longest run again and again; of a run whose second place is partly taken the rest goes on.</summary>
    private static List<Duplicate> Choose(
        IReadOnlyList<SourceFile> files, IReadOnlyList<CodeLine>[] code, List<Run> runs, int minLines, CancellationToken cancellationToken)
    {
        var taken = code.Select(c => new bool[c.Count]).ToArray();
        var queue = new PriorityQueue<Run, (int, int, int, int, int)>(runs.Select(r => (r, Order(r))));
        List<Duplicate> chosen = [];
        while (queue.TryDequeue(out var run, out _))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var free = LongestFree(taken[run.SecondFile], run);
            if (free.Length < run.Length)
            {
                if (free.Length >= minLines)
                {
                    queue.Enqueue(free, Order(free));
                }

                continue;
            }

            taken[run.SecondFile].AsSpan(run.Second, run.Length).Fill(true);
            chosen.Add(new(run.Length, Range(files, code, run.FirstFile, run.First, run.Length), Range(files, code, run.SecondFile, run.Second, run.Length)));
        }

        return chosen;
    }

    private static (int, int, int, int, int) Order(Run run) => (-run.Length, run.FirstFile, run.First, run.SecondFile, run.Second);

    private static Run LongestFree(bool[] taken, Run run)
    {
        var (best, bestLength, start) = (0, 0, 0);
        for (var i = 0; i <= run.Length; i++)
        {
            if (i < run.Length && !taken[run.Second + i])
            {
                continue;
            }

            if (i - start > bestLength)
            {
                (best, bestLength) = (start, i - start);
            }

            start = i + 1;
        }

        return run with { First = run.First + best, Second = run.Second + best, Length = bestLength };
    }

    private static CodeRange Range(IReadOnlyList<SourceFile> files, IReadOnlyList<CodeLine>[] code, int file, int line, int length) =>
        new(files[file].Path, code[file][line].Number, code[file][line + length - 1].Number);
}
