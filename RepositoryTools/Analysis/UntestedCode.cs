using RepositoryTools.Repositories;

namespace RepositoryTools.Analysis;

/// <summary>
/// Compares what the code declares with what the code of the tests names. It never says "untested" of what a test names;
/// it cannot see what tests reach only over the wire, by reflection or through another type.
/// </summary>
internal static class UntestedCode
{
    private const string Method =
        "identifiers in the code of test files (comments and strings do not count) against the names of top-level types with behaviour; "
        + "C# types count when public, or internal in a project with InternalsVisibleTo, and a static class also counts as named when one of its extension methods is; "
        + "in other languages public functions count too; "
        + "what tests reach only through another type, over the network or by reflection is not seen";

    /// <summary>What was found and how.</summary>
    internal sealed record Result(string Method, IReadOnlyList<UntestedRow> Untested, int Tested);

    /// <summary>The untested types and functions of the given files; the tests are looked for in the whole repository.</summary>
    internal static Result Find(Snapshot snapshot, IReadOnlyList<SourceFile> files)
    {
        var tests = snapshot.Files.Where(f => f is { IsTest: true, Language.IsCode: true, Reading: not null }).ToList();
        var named = tests.SelectMany(f => f.Reading!.Identifiers).ToHashSet(StringComparer.Ordinal);
        var (tested, untested) = (0, new List<UntestedRow>());
        foreach (var group in Candidates(snapshot, files).GroupBy(e => (Home: snapshot.Projects.FolderOf(e.File) ?? e.File, EntityNames.FullName(e))))
        {
            if (IsNamed(group, snapshot, named))
            {
                tested++;
                continue;
            }

            var first = group.OrderByDescending(e => e.Lines).First();
            untested.Add(new(first.Name, first.Kind, first.File, first.Line, group.Sum(e => e.PublicMembers)));
        }

        // Those with most to call come first.
        List<UntestedRow> ordered = [.. untested.OrderByDescending(u => u.PublicMembers).ThenBy(u => u.File, StringComparer.Ordinal).ThenBy(u => u.Line)];
        return new(tests.Count == 0 ? $"this repository has no test files, so nothing is tested by code; {Method}" : Method, ordered, tested);
    }

    private static IEnumerable<Entity> Candidates(Snapshot snapshot, IReadOnlyList<SourceFile> files) => files
        .Where(f => f is { IsOwnCode: true, IsTest: false })
        .SelectMany(f => f.Reading!.Entities.Where(e => f.Language == Language.CSharp ? IsCSharpCandidate(snapshot, f, e) : IsCandidate(e)));

    private static bool IsCSharpCandidate(Snapshot snapshot, SourceFile file, Entity entity) =>
        entity is { IsType: true, HasBehaviour: true, IsNested: false }
        && entity.Accessibility switch
        {
            "public" => true,
            "internal" => snapshot.Projects.OpensInternals(file.Path) || file.Reading!.Identifiers.Contains("InternalsVisibleTo"),
            _ => false,
        };

    private static bool IsCandidate(Entity entity) =>
        (entity.IsType && entity.HasBehaviour || entity is { Kind: "function", Container: null })
        && entity.Accessibility is "public";

    private static bool IsNamed(IEnumerable<Entity> parts, Snapshot snapshot, HashSet<string> named)
    {
        var entity = parts.First();
        if (named.Contains(entity.Name))
        {
            return true;
        }

        const string attribute = "Attribute";
        return (entity.Name.EndsWith(attribute, StringComparison.Ordinal) && named.Contains(entity.Name[..^attribute.Length]))
            || (entity.IsStatic && parts.Any(p => ExtensionMethods(snapshot, p).Any(m => named.Contains(m.Name))));
    }

    /// <summary>Extension methods are called without their class.</summary>
    private static IEnumerable<Entity> ExtensionMethods(Snapshot snapshot, Entity type) => snapshot.Files
        .First(f => f.Path == type.File).Reading!.Entities
        .Where(e => e.Kind == "method" && e.Line >= type.Line && e.EndLine <= type.EndLine && e.IsExtension);
}
