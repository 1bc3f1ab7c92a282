using RepositoryTools.Repositories;

namespace RepositoryTools.Analysis;

/// <summary>Finds relationships by name where no compiler helps: whoever has the name means the entity.</summary>
internal sealed class NameRelationships
{
    /// <summary>How this reading calls itself in answers.</summary>
    internal const string Method =
        "matching of names outside comments and strings, within the same language; equal names of different entities are not told apart";

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
        if (name == part.Name || _declared[name].FirstOrDefault(e => !IsWithin(e, part)) is not { } other)
        {
            return;
        }

        var kind = other.IsType
            ? isHead && part.IsType ? (other.Kind is "interface" or "trait" or "protocol" && part.Kind != "interface" ? "implements" : "inherits") : "uses"
            : other.IsMethod && IsCall(line, range) ? "calls" : null;
        if (kind is not null)
        {
            Add(kind, EntityNames.FullName(other), other.File, other.Line);
        }
    }

    private void AddIncoming(SourceFile file)
    {
        var masked = Masked(file.Path);
        var target = _parts[0];
        for (var i = 0; i < masked.Length; i++)
        {
            foreach (var range in Words.Of(masked[i]))
            {
                if (!masked[i].AsSpan(range).SequenceEqual(target.Name) || _parts.Any(p => p.File == file.Path && i + 1 >= p.Line && i + 1 <= p.EndLine))
                {
                    continue;
                }

                var owner = file.Reading!.Entities.LastOrDefault(e => e.Line <= i + 1 && e.EndLine >= i + 1);
                if (!target.IsMethod || IsCall(masked[i], range))
                {
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
        MaskedLines.Of(FileText.Lines(FileText.Read(_root.Resolve("path", path)).Text ?? ""), _language);

    private void Add(string kind, string name, string file, int line)
    {
        if (_seen.Add((kind, name, file)))
        {
            _found.Add(new(kind, name, file, line));
        }
    }
}
