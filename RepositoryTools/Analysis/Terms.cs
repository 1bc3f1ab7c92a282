namespace RepositoryTools.Analysis;

/// <summary>Cuts text and identifiers into the words that are compared: leaseAsync, lease_async and "leases async" share theirs.</summary>
internal static class Terms
{
    private static readonly HashSet<string> _common = new(StringComparer.Ordinal)
    {
        "the", "and", "for", "are", "was", "were", "how", "what", "where", "which", "who", "why", "when", "does", "did", "has", "have", "had", "this", "that",
        "these", "those", "with", "from", "into", "can", "could", "should", "would", "will", "there", "their", "its", "not", "but", "all", "any", "you", "your",
        "about", "code", "codebase", "repository", "project", "file", "please", "show", "tell", "find", "explain", "work", "first", "most", "be", "is", "it", "in",
        "of", "on", "to", "do", "we", "an", "as", "at", "by", "or", "if", "me", "my",
    };

    /// <summary>Calls back for each word of a text, as it is compared.</summary>
    internal static void Each(ReadOnlySpan<char> text, Action<string> take)
    {
        Span<char> word = stackalloc char[64];
        var length = 0;
        for (var i = 0; i <= text.Length; i++)
        {
            var c = i < text.Length ? text[i] : ' ';
            var ends = !char.IsLetterOrDigit(c)
                || (length > 0 && char.IsUpper(c) && (!char.IsUpper(text[i - 1]) || (i + 1 < text.Length && char.IsLower(text[i + 1]))));
            if (ends && length > 0)
            {
                Take(word[..length], take);
                length = 0;
            }

            if (char.IsLetterOrDigit(c) && length < word.Length)
            {
                word[length++] = char.ToLowerInvariant(c);
            }
        }
    }

    /// <summary>The words of a question that say something; all of them when none does.</summary>
    internal static HashSet<string> OfQuestion(string question)
    {
        HashSet<string> all = [];
        Each(question, t => all.Add(t));
        var telling = all.Where(t => !_common.Contains(t)).ToHashSet(StringComparer.Ordinal);
        return telling.Count > 0 ? telling : all;
    }

    private static void Take(Span<char> word, Action<string> take)
    {
        if (word.Length >= 2)
        {
            take(Stem(word));
        }
    }

    /// <summary>Singular and base form, roughly: sessions, leased and leasing meet session and leas.</summary>
    private static string Stem(ReadOnlySpan<char> word)
    {
        if (word.Length > 4 && word.EndsWith("ies", StringComparison.Ordinal))
        {
            return string.Concat(word[..^3], "y");
        }

        if (word.Length > 3 && word[^1] == 's' && word[^2] is not ('s' or 'u' or 'i'))
        {
            word = word[..^1];
        }

        if (word.Length > 5 && word.EndsWith("ing", StringComparison.Ordinal))
        {
            word = word[..^3];
        }
        else if (word.Length > 4 && word.EndsWith("ed", StringComparison.Ordinal))
        {
            word = word[..^2];
        }

        return word.Length > 3 && word[^1] == 'e' ? word[..^1].ToString() : word.ToString();
    }
}
