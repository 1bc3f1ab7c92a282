using System.Globalization;
using System.Text;

namespace Agents.Worker.Loop;

/// <summary>
/// Sees that an agent repeats itself: the last <c>window</c> turns say nearly the same. It compares whole turns, never pieces of a stream,
/// and ignores turns without text.
/// </summary>
internal sealed class ConvergenceDetector
{
    private readonly int _window;
    private readonly double _threshold;
    private readonly Queue<HashSet<string>> _turns = new();

    /// <param name="window">Turns compared, 2–10.</param>
    /// <param name="threshold">Jaccard similarity of word sets, 0–1, from which two turns count as equal.</param>
    public ConvergenceDetector(int window = 3, double threshold = 0.8)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(window, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(window, 10);
        if (threshold is not (>= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(threshold), threshold, "Use 0 to 1.");
        (_window, _threshold) = (window, threshold);
    }

    /// <summary>True when the window is full and at least half of its pairs are alike.</summary>
    public bool HasConverged
    {
        get
        {
            if (_turns.Count < _window) return false;
            var turns = _turns.ToArray();
            int pairs = 0, alike = 0;
            for (var i = 0; i < turns.Length; i++)
            {
                for (var j = i + 1; j < turns.Length; j++, pairs++)
                    if (Similarity(turns[i], turns[j]) >= _threshold) alike++;
            }

            return alike * 2 >= pairs;
        }
    }

    /// <summary>Takes the whole text of a finished turn.</summary>
    public void Add(string turn)
    {
        var words = Words(turn);
        if (words.Count == 0) return;
        _turns.Enqueue(words);
        if (_turns.Count > _window) _turns.Dequeue();
    }

    /// <summary>Common words divided by all words, 0–1; two texts without words are not alike.</summary>
    public static double Similarity(string first, string second) => Similarity(Words(first), Words(second));

    private static double Similarity(HashSet<string> first, HashSet<string> second)
    {
        var common = first.Count(second.Contains);
        var all = first.Count + second.Count - common;
        return all == 0 ? 0 : (double)common / all;
    }

    private static HashSet<string> Words(string text)
    {
        var words = new HashSet<string>(StringComparer.Ordinal);
        var word = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            if (Rune.IsLetterOrDigit(rune) || Rune.GetUnicodeCategory(rune) == UnicodeCategory.NonSpacingMark)
            {
                word.Append(Rune.ToLowerInvariant(rune).ToString());
                continue;
            }

            Flush();
        }

        Flush();
        return words;

        void Flush()
        {
            if (word.Length > 0) words.Add(word.ToString());
            word.Clear();
        }
    }
}
