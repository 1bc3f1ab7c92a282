namespace Agents.Worker.Models.Offline;

/// <summary>The user's question, and the words in it that say what it is about.</summary>
internal sealed class Question(string text)
{
    private const int ShortestWord = 4;

    private static readonly HashSet<string> Common = new(StringComparer.OrdinalIgnoreCase)
    {
        "about", "after", "again", "also", "analyse", "analyze", "anything", "because", "been", "before", "being", "better", "between", "both", "code", "codebase", "could",
        "does", "doing", "done", "each", "else", "every", "explain", "find", "first", "from", "give", "have", "here", "improve", "into", "just", "know", "like",
        "look", "made", "make", "many", "more", "most", "much", "must", "need", "next", "only", "other", "over", "please", "project", "repository", "same", "shall",
        "should", "show", "simplified", "simplify", "some", "something", "such", "summarise", "summarize", "tell", "test", "tested", "tests", "than", "that",
        "their", "them", "then", "there", "these", "they", "thing", "things", "this", "those", "very", "want", "well", "were", "what", "when", "where", "which",
        "while", "will", "with", "work", "works", "would", "write", "your",
    };

    public string Text => text;

    /// <summary>The words that are not in every question, longest first.</summary>
    public IReadOnlyList<string> Words { get; } =
    [
        .. text.Split([.. " \t\r\n.,;:!?()[]{}\"'`/\\"], StringSplitOptions.RemoveEmptyEntries)
            .Where(word => word.Length >= ShortestWord && !Common.Contains(word))
            .Distinct(StringComparer.OrdinalIgnoreCase)
            .OrderByDescending(word => word.Length),
    ];

    /// <summary>Whether any of them is part of a path or name.</summary>
    public bool IsAbout(string name) => Words.Any(word => name.Contains(word, StringComparison.OrdinalIgnoreCase));
}
