using System.Collections.Immutable;
using System.IO.Enumeration;
using McpGateway.Calls.Lists;

namespace McpGateway.Upstreams;

/// <summary>
/// Patterns for names of tools and prompts and for URIs of resources, by kind. <c>*</c> stands for any characters, also none, <c>?</c> for one,
/// <c>\</c> takes a meaning away; letter case counts. A kind without a list of patterns is <c>default</c>.
/// </summary>
internal sealed record AccessPatterns(ImmutableArray<string> Tools, ImmutableArray<string> Prompts, ImmutableArray<string> Resources)
{
    public static AccessPatterns ForAll(ImmutableArray<string> patterns) => new(patterns, patterns, patterns);

    /// <summary>True when there are patterns for the kind and one of them fits; null when there are none.</summary>
    public bool? Fits(ListKind kind, string name)
    {
        var patterns = Of(kind);
        if (patterns.IsDefault) return null;
        foreach (var pattern in patterns)
        {
            if (FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false)) return true;
        }

        return false;
    }

    public bool Concerns(ListKind kind) => !Of(kind).IsDefault;

    /// <summary>True when the kind has a list of patterns, and it is empty.</summary>
    public bool IsNothing(ListKind kind) => Of(kind) is { IsDefault: false, Length: 0 };

    /// <summary>True when everything of the kind fits.</summary>
    public bool IsEverything(ListKind kind) => Of(kind) is { IsDefault: false } patterns && patterns.Contains("*");

    /// <summary>The same text for the same patterns.</summary>
    public override string ToString() => string.Join(';', ListKind.All.Take(3).Select(kind => Of(kind) is { IsDefault: false } patterns ? $"{kind.Capability}={string.Join(',', patterns)}" : ""));

    private ImmutableArray<string> Of(ListKind kind) => kind.Capability switch
    {
        "tools" => Tools,
        "prompts" => Prompts,
        _ => Resources,
    };
}

/// <summary>What of an upstream may be seen and called: what an allow pattern fits, where there are any for its kind, and no deny pattern.</summary>
internal sealed record AccessRule(AccessPatterns? Allow, AccessPatterns? Deny)
{
    public static AccessRule Open { get; } = new(null, null);

    public bool Allows(ListKind kind, string name) => Allow?.Fits(kind, name) != false && Deny?.Fits(kind, name) != true;

    /// <summary>True when something of the kind may be refused.</summary>
    public bool Concerns(ListKind kind) => Allow?.Concerns(kind) == true || Deny?.Concerns(kind) == true;

    /// <summary>True when nothing at all may be seen, whatever there is.</summary>
    public bool IsClosed => ListKind.All.All(kind => Allow?.IsNothing(kind) == true || Deny?.IsEverything(kind) == true);
}
