namespace RepositoryTools.Analysis;

/// <summary>A type or member that a file declares.</summary>
/// <param name="Name">Its simple name.</param>
/// <param name="Kind">class, interface, struct, record, enum, delegate, method, constructor, property, function and so on.</param>
/// <param name="File">Relative path.</param>
/// <param name="Line">Where it starts, 1-based.</param>
/// <param name="EndLine">Where it ends.</param>
internal sealed record Entity(string Name, string Kind, string File, int Line, int EndLine)
{
    /// <summary>The kinds that count as types.</summary>
    internal static readonly IReadOnlySet<string> TypeKinds =
        new HashSet<string> { "class", "interface", "struct", "record", "enum", "delegate", "trait", "protocol", "object", "module", "type" };

    /// <summary>The kinds that hold statements.</summary>
    internal static readonly IReadOnlySet<string> MethodKinds = new HashSet<string> { "method", "function", "constructor", "operator" };

    /// <summary>The namespace and types around it, joined with dots.</summary>
    public string? Container { get; init; }

    /// <summary>Its declaration on one line.</summary>
    public string? Signature { get; init; }

    /// <summary>public, internal, private …; null where the language has none.</summary>
    public string? Accessibility { get; init; }

    /// <summary>Members that may be called from outside, for a type.</summary>
    public int PublicMembers { get; init; }

    /// <summary>Whether a type does something that a test could check.</summary>
    public bool HasBehaviour { get; init; }

    /// <summary>Whether a type lies in another type.</summary>
    public bool IsNested { get; init; }

    /// <summary>Whether a type is static.</summary>
    public bool IsStatic { get; init; }

    /// <summary>Whether a method is called on its first parameter.</summary>
    public bool IsExtension { get; init; }

    /// <summary>How many lines it takes.</summary>
    internal int Lines => EndLine - Line + 1;

    /// <summary>Whether it is a type.</summary>
    internal bool IsType => TypeKinds.Contains(Kind);

    /// <summary>Whether it holds statements.</summary>
    internal bool IsMethod => MethodKinds.Contains(Kind);
}
