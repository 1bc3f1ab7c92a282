using RepositoryTools.Repositories;

namespace RepositoryTools.Analysis;

/// <summary>Ranks the passages of files by BM25 against the words of a question.</summary>
internal static class PassageRanking
{
    private const double Saturation = 1.2;
    private const double LengthWeight = 0.75;
    private const int MaxText = 2000;

    // What a passage declares, and where it is, says more than a word somewhere in it.
    private const int DeclaredWeight = 4;
    private const int PathWeight = 1;

    /// <summary>A passage with how often it has each word of the question.</summary>
    private sealed record Counted(string File, int Start, int End, int Length, int[] Counts, double Weight);

    /// <summary>The best passages, best first; none when no word of the question occurs.</summary>
    internal static List<Passage> Rank(
        RepositoryRoot root, IReadOnlyList<SourceFile> files, string question, int limit, CancellationToken cancellationToken)
    {
        var terms = Terms.OfQuestion(question).Order(StringComparer.Ordinal).ToArray();
        var positions = terms.Select((t, i) => (t, i)).ToDictionary(t => t.t, t => t.i, StringComparer.Ordinal);
        var counted = new List<Counted>?[files.Count];
        Parallel.For(0, files.Count, new ParallelOptions { CancellationToken = cancellationToken, MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
        {
            counted[i] = IsRead(files[i]) ? Count(root, files[i], positions, cancellationToken) : null;
        });
        List<Counted> all = [.. counted.Where(c => c is not null).SelectMany(c => c!)];
        return [.. Best(all, terms.Length, limit).Select(b => Quote(root, b.Passage, b.Score))];
    }

    private static bool IsRead(SourceFile file) =>
        file.Reading is { IsGenerated: false } && file.Language is { Name: not "JSON" } && !KnownFolders.IsForeign(file.Path);

    private static List<Counted> Count(RepositoryRoot root, SourceFile file, Dictionary<string, int> positions, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var lines = FileText.Lines(root.Read(file.Path).Text ?? "");
        var entities = file.Reading!.Entities.ToLookup(e => e.Line);
        List<Counted> passages = [];
        foreach (var (start, end) in PassageCuts.Of(lines, file.Reading.Entities))
        {
            var counts = new int[positions.Count];
            var length = 0;
            for (var line = start; line <= end; line++)
            {
                Terms.Each(lines[line - 1], t => length += Add(counts, positions, t, 1));
                foreach (var entity in entities[line])
                {
                    Terms.Each(entity.Name, t => Add(counts, positions, t, DeclaredWeight));
                }
            }

            Terms.Each(file.Path, t => Add(counts, positions, t, PathWeight));
            passages.Add(new(file.Path, start, end, length, counts, file.IsTest ? 0.8 : 1));
        }

        return passages;
    }

    private static int Add(int[] counts, Dictionary<string, int> positions, string term, int weight)
    {
        if (positions.TryGetValue(term, out var position))
        {
            counts[position] += weight;
        }

        return 1;
    }

    private static IEnumerable<(Counted Passage, double Score)> Best(List<Counted> all, int terms, int limit)
    {
        var having = new int[terms];
        foreach (var passage in all)
        {
            for (var i = 0; i < terms; i++)
            {
                having[i] += passage.Counts[i] > 0 ? 1 : 0;
            }
        }

        var average = Math.Max(1, all.Count == 0 ? 1 : all.Average(p => p.Length));
        return all.Select(p => (Passage: p, Score: Score(p, having, all.Count, average)))
            .Where(p => p.Score > 0)
            .OrderByDescending(p => p.Score).ThenBy(p => p.Passage.File, StringComparer.Ordinal).ThenBy(p => p.Passage.Start)
            .Take(limit);
    }

    private static double Score(Counted passage, int[] having, int count, double average)
    {
        var score = 0.0;
        for (var i = 0; i < having.Length; i++)
        {
            double frequency = passage.Counts[i];
            var rarity = Math.Log(1 + ((count - having[i] + 0.5) / (having[i] + 0.5)));
            score += rarity * frequency * (Saturation + 1) / (frequency + (Saturation * (1 - LengthWeight + (LengthWeight * passage.Length / average))));
        }

        return score * passage.Weight;
    }

    private static Passage Quote(RepositoryRoot root, Counted passage, double score)
    {
        var lines = FileText.Lines(root.Read(passage.File).Text ?? "");
        var end = Math.Min(passage.End, lines.Length);
        var text = string.Join('\n', lines[Math.Min(passage.Start - 1, end)..end]);
        return new(passage.File, passage.Start, end, text.Length <= MaxText ? text : text[..MaxText] + "…", Math.Round(score, 3));
    }
}
