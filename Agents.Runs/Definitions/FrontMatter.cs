namespace Agents.Runs;

/// <summary>
/// The part between the two <c>---</c> lines: the subset of YAML that definitions need. <c>key: value</c>, <c>key: [a, b]</c>, and one level
/// of indented <c>key: value</c> under a key without a value.
/// </summary>
/// <param name="Entries">By key; the keys of a nested part are <c>outer.inner</c>.</param>
/// <param name="Body">What follows, without surrounding blank lines.</param>
internal sealed record FrontMatter(IReadOnlyDictionary<string, FrontMatter.Entry> Entries, string Body)
{
    private const string Fence = "---";

    /// <param name="file">Named in every error.</param>
    /// <param name="text">The whole file.</param>
    /// <exception cref="AgentDefinitionException">With the file and the line.</exception>
    public static FrontMatter Parse(string file, string text)
    {
        var lines = text.ReplaceLineEndings("\n").Split('\n');
        if (lines[0].Trim() != Fence) throw new AgentDefinitionException(file, 1, "begin the file with a line '---', then name, description and tools.");
        var end = Array.FindIndex(lines, 1, line => line.Trim() == Fence);
        if (end < 0) throw new AgentDefinitionException(file, lines.Length, "the front matter is not closed: put a line '---' before the prompt.");

        var entries = new Dictionary<string, Entry>(StringComparer.Ordinal);
        string? outer = null;
        for (var i = 1; i < end; i++)
        {
            var line = lines[i];
            if (line.AsSpan().Trim().IsEmpty || line.TrimStart().StartsWith('#')) continue;
            var (key, value) = Split(file, i + 1, line);
            var nested = char.IsWhiteSpace(line[0]);
            if (nested && outer is null) throw new AgentDefinitionException(file, i + 1, $"'{key}' is indented, but belongs to no key above.");
            if (!nested) outer = value.Length == 0 ? key : null;
            var name = nested ? $"{outer}.{key}" : key;
            if (!entries.TryAdd(name, new Entry(value, i + 1))) throw new AgentDefinitionException(file, i + 1, $"'{name}' is given twice.");
        }

        return new FrontMatter(entries, string.Join('\n', lines[(end + 1)..]).Trim());
    }

    private static (string Key, string Value) Split(string file, int line, string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0) throw new AgentDefinitionException(file, line, $"'{text.Trim()}' is no 'key: value'.");
        return (text[..colon].Trim(), text[(colon + 1)..].Trim());
    }

    /// <summary>A value and where it stands.</summary>
    internal sealed record Entry(string Raw, int Line)
    {
        public string Text => Unquote(Raw);

        /// <summary>The items of <c>[a, "b"]</c>; null when the value is no such list.</summary>
        public IReadOnlyList<string>? Items =>
            Raw.StartsWith('[') && Raw.EndsWith(']')
                ? [.. Raw[1..^1].Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(Unquote)]
                : null;

        private static string Unquote(string text) =>
            text.Length >= 2 && text[0] is '"' or '\'' && text[^1] == text[0] ? text[1..^1] : text;
    }
}
