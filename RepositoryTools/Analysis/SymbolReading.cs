using System.Text.RegularExpressions;

namespace RepositoryTools.Analysis;

/// <summary>
/// Reads languages other than C#: a declaration is a line that looks like one outside comments and strings; it ends with its
/// closing brace, its indentation (Python), its "end" (Ruby) or its semicolon.
/// </summary>
internal static class SymbolReading
{
    /// <summary>How this reading calls itself in answers.</summary>
    internal const string Method = "line patterns outside comments and strings, ends by braces or indentation";

    private const int MaxLine = 500;
    private const int MaxSignature = 200;

    /// <summary>The declared entities in order, and all identifiers.</summary>
    internal static (IReadOnlyList<Entity> Entities, HashSet<string> Identifiers) Read(string path, string[] lines, Language language)
    {
        var masked = MaskedLines.Of(lines, language);
        var identifiers = new HashSet<string>(StringComparer.Ordinal);
        var known = identifiers.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (var line in masked)
        {
            foreach (var range in Words.Of(line))
            {
                if (!known.Contains(line.AsSpan(range)))
                {
                    identifiers.Add(NamePool.Get(line.AsSpan(range)));
                }
            }
        }

        var patterns = DeclarationPattern.Of(language);
        List<Entity> entities = [];
        for (var i = 0; patterns.Count > 0 && i < masked.Length; i++)
        {
            if (masked[i].Length <= MaxLine && Declared(path, lines, masked, i, language, patterns) is { } entity)
            {
                entities.Add(entity);
            }
        }

        return (Nest(entities), identifiers);
    }

    private static Entity? Declared(string path, string[] lines, string[] masked, int i, Language language, IReadOnlyList<DeclarationPattern> patterns)
    {
        foreach (var pattern in patterns)
        {
            if (Match(pattern, masked[i]) is not { Success: true } match)
            {
                continue;
            }

            var name = match.Groups["name"].Value;
            var kind = match.Groups["kind"] is { Success: true } spoken ? spoken.Value.ToLowerInvariant() : pattern.Kind;
            var signature = lines[i].Trim().TrimEnd('{', ':').TrimEnd();
            return new(NamePool.Get(name), kind, path, i + 1, EntityEnd.Of(masked, i, language) + 1)
            {
                Container = match.Groups["container"] is { Success: true } owner ? owner.Value : null,
                Signature = signature.Length <= MaxSignature ? signature : signature[..MaxSignature] + "…",
                Accessibility = Accessibility(masked[i], name, language),
            };
        }

        return null;
    }

    private static Match? Match(DeclarationPattern pattern, string line)
    {
        try
        {
            return pattern.Hints.Any(h => line.Contains(h, StringComparison.Ordinal)) ? pattern.Expression.Match(line) : null;
        }
        catch (RegexMatchTimeoutException)
        {
            return null;
        }
    }

    private static string? Accessibility(string line, string name, Language language) => language.Name switch
    {
        "Go" => char.IsUpper(name[0]) ? "public" : "private",
        "Python" => name.StartsWith('_') ? "private" : "public",
        "Rust" => line.TrimStart().StartsWith("pub", StringComparison.Ordinal) ? "public" : "private",
        "JavaScript" or "TypeScript" => Word(line, "private") || name.StartsWith('#') ? "private" : Word(line, "protected") ? "protected" : Word(line, "export") ? "public" : null,
        _ => Word(line, "private") || Word(line, "fileprivate") ? "private" : Word(line, "protected") ? "protected" : Word(line, "internal") ? "internal"
            : Word(line, "public") || Word(line, "open") || language.Name is "Kotlin" or "Ruby" or "PHP" or "Scala" ? "public" : null,
    };

    private static bool Word(string line, string word) => Words.Of(line).Any(r => line.AsSpan(r).SequenceEqual(word));

    /// <summary>A function in a type is a method; one that has the name of its type makes it.</summary>
    private static string Kind(Entity entity, string? container, bool inType)
    {
        if (entity.Kind is not ("function" or "method"))
        {
            return entity.Kind;
        }

        return container is not null && container[(container.LastIndexOf('.') + 1)..] == entity.Name && (inType || entity.Container is not null) ? "constructor"
            : inType || entity.Container is not null ? "method"
            : entity.Kind;
    }

    /// <summary>Says what each entity lies in; a function in a type is a method, and a type with one has behaviour.</summary>
    private static List<Entity> Nest(List<Entity> entities)
    {
        List<Entity> nested = [];
        List<Entity> around = [];
        foreach (var entity in entities)
        {
            around.RemoveAll(a => a.EndLine < entity.Line);
            var owners = around.Where(a => a.EndLine >= entity.EndLine).ToList();
            var inType = owners.Count > 0 && owners[^1].Kind is not ("module" or "namespace" or "mod" or "function" or "method");
            var container = entity.Container ?? (owners.Count == 0 ? null : string.Join('.', owners.Select(o => o.Name)));
            nested.Add(entity with { Container = container, Kind = Kind(entity, container, inType) });
            around.Add(entity);
        }

        var owned = nested.Where(e => e is { Kind: "method", Container: not null }).ToLookup(e => e.Container![(e.Container!.LastIndexOf('.') + 1)..]);
        return [.. nested.Where(e => e.Kind != "impl").Select(e => e.IsType
            ? e with { HasBehaviour = owned[e.Name].Any() && e.Kind != "interface", PublicMembers = owned[e.Name].Count(m => m.Accessibility is not ("private" or "protected")) }
            : e)];
    }
}
