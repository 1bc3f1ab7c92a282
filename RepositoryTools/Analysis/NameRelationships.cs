using RepositoryTools.Repositories;

namespace RepositoryTools.Analysis;

/// <summary>Finds relationships by name where no compiler helps: whoever has the name means the entity.</summary>
internal sealed class NameRelationships
{
    /// <summary>How this reading calls itself in answers.</summary>
    internal const string Method =
        "matching of names outside comments and strings, within the same language; a name that is declared more than once counts only in the file that declares it, a method only in files that name its type";

    private readonly RepositoryRoot _root;
    private readonly Language _language;
    private readonly IReadOnlyList<SourceFile> _files;
    private readonly IReadOnlyList<Entity> _parts;
    private readonly ILookup<string, Entity> _declared;
    private readonly List<Relationship> _found = [];
    private readonly HashSet<(string, string, string)> _seen = [];

    private NameRelationships(RepositoryRoot root, Snapshot snapshot, IReadOnlyList<Entity> parts)
    {
        _root = root;
        _language = Language.Of(parts[0].File)!;
        _files = [.. snapshot.Files.Where(f => f.Reading is not null && SameFamily(f.Language))];
        _parts = parts;
        _declared = _files.SelectMany(f => f.Reading!.Entities).ToLookup(e => e.Name, StringComparer.Ordinal);
    }

    /// <summary>The relationships of the declarations that make up one entity.</summary>
    internal static List<Relationship> Of(RepositoryRoot root, Snapshot snapshot, IReadOnlyList<Entity> parts, CancellationToken cancellationToken)
    {
        var relationships = new NameRelationships(root, snapshot, parts);
        foreach (var part in parts)
        {
            relationships.AddOwn(part);
        }

        foreach (var file in relationships._files.Where(f => f.Reading!.Identifiers.Contains(parts[0].Name)))
        {
            cancellationToken.ThrowIfCancellationRequested();
            relationships.AddIncoming(file);
        }

        return relationships._found;
    }

    private bool SameFamily(Language? other) => other is not null && (other == _language || Family(other.Name) == Family(_language.Name));

    private static string Family(string language) => language switch
    {
        "JavaScript" or "TypeScript" or "Vue" => "script",
        "C" or "C++" => "c",
        "Java" or "Kotlin" or "Scala" => "jvm",
        _ => language,
    };

    private void AddOwn(Entity part)
    {
        var file = _files.First(f => f.Path == part.File);
        var masked = Masked(part.File);
        foreach (var member in file.Reading!.Entities.Where(e => e != part && e.Line >= part.Line && e.EndLine <= part.EndLine))
        {
            Add("contains", EntityNames.FullName(member), member.File, member.Line);
        }

        for (var i = part.Line - 1; i < Math.Min(part.EndLine, masked.Length); i++)
        {
            foreach (var range in Words.Of(masked[i]))
            {
                AddOutgoing(part, masked[i], range, i == part.Line - 1);
            }
        }
    }

    private void AddOutgoing(Entity part, string line, Range range, bool isHead)
    {
        var name = line[range];
        if (name == part.Name || Meant(name, part) is not { } other || IsWithin(other, part))
        {
            return;
        }

        var kind = other.IsType
            ? isHead && part.IsType ? BaseKind(part, other) : "uses"
            : other.IsMethod && IsCall(line, range) && IsReachable(other, part.File) ? "calls" : null;
        if (kind is not null)
        {
            Add(kind, EntityNames.FullName(other), other.File, other.Line);
        }
    }

    private static string BaseKind(Entity part, Entity other) =>
        other.Kind is "interface" or "trait" or "protocol" && part.Kind != "interface" ? "implements" : "inherits";

    /// <summary>What a name means to an entity: what lies in it, else what its file declares, else what only one place declares.</summary>
    private Entity? Meant(string name, Entity part)
    {
        var declared = _declared[name].ToList();
        return declared.Count <= 1
            ? declared.FirstOrDefault()
            : declared.Find(e => IsWithin(e, part)) ?? declared.Find(e => e.File == part.File);
    }

    /// <summary>Whether a name in a file can mean one of the parts.</summary>
    private bool IsMeant(string file)
    {
        var declared = _declared[_parts[0].Name].ToList();
        return (declared.Count == _parts.Count || _parts.Any(p => p.File == file)) && _parts.Any(p => IsReachable(p, file));
    }

    /// <summary>Code that never names a type has no object of it to call, as a rule; a call of that name means something else.</summary>
    private bool IsReachable(Entity entity, string file) =>
        entity is not { IsMethod: true, Container: { } container }
        || entity.File == file
        || _files.First(f => f.Path == file).Reading!.Identifiers.Contains(container[(container.LastIndexOf('.') + 1)..]);

    private void AddIncoming(SourceFile file)
    {
        var target = _parts[0];
        if (!IsMeant(file.Path))
        {
            return;
        }

        var masked = Masked(file.Path);
        for (var i = 0; i < masked.Length; i++)
        {
            if (_parts.Any(p => p.File == file.Path && i + 1 >= p.Line && i + 1 <= p.EndLine))
            {
                continue;
            }

            foreach (var range in Words.Of(masked[i]))
            {
                if (masked[i].AsSpan(range).SequenceEqual(target.Name) && (!target.IsMethod || IsCall(masked[i], range)))
                {
                    var owner = file.Reading!.Entities.LastOrDefault(e => e.Line <= i + 1 && e.EndLine >= i + 1);
                    Add(IncomingKind(target, owner, i), owner is null ? file.Path : EntityNames.FullName(owner), file.Path, i + 1);
                }
            }
        }
    }

    private static string IncomingKind(Entity target, Entity? owner, int i) =>
        target.IsMethod ? "called_by" : target.IsType && owner is { IsType: true } && owner.Line == i + 1 ? "derived_by" : "used_by";

    private static bool IsCall(string line, Range range) => line.AsSpan(range.End.Value).TrimStart() is ['(', ..];

    private static bool IsWithin(Entity entity, Entity part) =>
        entity.File == part.File && entity.Line >= part.Line && entity.EndLine <= part.EndLine;

    private string[] Masked(string path) =>
        MaskedLines.Of(FileText.Lines(_root.Read(path).Text ?? ""), _language);

    private void Add(string kind, string name, string file, int line)
    {
        if (_seen.Add((kind, name, file)))
        {
            _found.Add(new(kind, name, file, line));
        }
    }
}
