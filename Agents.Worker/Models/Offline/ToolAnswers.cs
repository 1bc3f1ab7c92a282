namespace Agents.Worker.Models.Offline;

// The structured results of RepositoryTools, as far as the plans read them. A member a server leaves out is empty, never an error.

internal sealed record RepositoryAnswer
{
    public string Name { get; init; } = "";
    public int Files { get; init; }
    public int Lines { get; init; }
    public IReadOnlyList<LanguagePart> Languages { get; init; } = [];
    public IReadOnlyList<string> Projects { get; init; } = [];
    public string? Readme { get; init; }
    public IReadOnlyList<FileSize> LargestFiles { get; init; } = [];
    public IReadOnlyList<CodePlace> LongestMethods { get; init; } = [];
    public int TestFiles { get; init; }
}

internal sealed record LanguagePart(string Name, int Files, int Lines);

internal sealed record FileSize(string File, int Lines);

/// <summary>A named place: a method, a type.</summary>
internal sealed record CodePlace
{
    public string Name { get; init; } = "";
    public string Kind { get; init; } = "";
    public string? Container { get; init; }
    public string? Signature { get; init; }
    public string? Accessibility { get; init; }
    public string File { get; init; } = "";
    public int Line { get; init; }
    public int Lines { get; init; }
    public int PublicMembers { get; init; }

    /// <summary>As sources name it.</summary>
    public string Place => $"{File}:{Line}";
}

internal sealed record EntitiesAnswer
{
    public string Method { get; init; } = "";
    public IReadOnlyList<CodePlace> Entities { get; init; } = [];
    public int Total { get; init; }
}

internal sealed record DuplicatesAnswer
{
    public IReadOnlyList<DuplicatePair> Duplicates { get; init; } = [];
    public int Total { get; init; }
}

internal sealed record DuplicatePair(int Lines, CodeRange First, CodeRange Second);

internal sealed record CodeRange(string File, int Start, int End)
{
    public string Place => $"{File}:{Start}";
}

internal sealed record UntestedAnswer
{
    public string Method { get; init; } = "";
    public IReadOnlyList<CodePlace> Untested { get; init; } = [];
    public int Tested { get; init; }

    /// <summary>How many are untested, on all pages.</summary>
    public int Total { get; init; }
}

internal sealed record PassagesAnswer
{
    public IReadOnlyList<Passage> Passages { get; init; } = [];
}

internal sealed record Passage(string File, int Line, int EndLine, string Text, double Score)
{
    public string Place => $"{File}:{Line}";
}

internal sealed record MatchesAnswer
{
    public IReadOnlyList<Match> Matches { get; init; } = [];
    public int Total { get; init; }

    internal sealed record Match(string File, int Line, string Text);
}

internal sealed record FileAnswer
{
    public string File { get; init; } = "";
    public int StartLine { get; init; }
    public int EndLine { get; init; }
    public string Text { get; init; } = "";
}

internal sealed record FilesAnswer
{
    public IReadOnlyList<ListedFile> Files { get; init; } = [];
    public int Total { get; init; }

    internal sealed record ListedFile(string File);
}
