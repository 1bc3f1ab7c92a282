using RepositoryTools.Repositories;

namespace RepositoryTools.Analysis;

/// <summary>Decides which entities a name means.</summary>
internal static class EntityChoice
{
    /// <summary>
    /// The entities of that name, each with its partial declarations and overloads. A type goes before its members of the same name,
    /// code before tests.
    /// </summary>
    internal static IReadOnlyList<IReadOnlyList<Entity>> Of(Snapshot snapshot, string name)
    {
        var tests = snapshot.Files.Where(f => f.IsTest).Select(f => f.Path).ToHashSet(StringComparer.Ordinal);
        var named = snapshot.Files.Where(f => f.Reading is not null)
            .SelectMany(f => f.Reading!.Entities)
            .Where(e => e.Kind != "heading" && EntityNames.IsNamed(e, name))
            .ToList();
        var chosen = Prefer(Prefer(named, e => e.IsType), e => !tests.Contains(e.File));
        return
        [
            .. chosen.GroupBy(e => (EntityNames.FullName(e), e.IsType, Project: e.IsType ? snapshot.Projects.FolderOf(e.File) ?? e.File[..(e.File.LastIndexOf('/') + 1)] : ""))
                .Select(g => g.ToList()),
        ];
    }

    private static List<Entity> Prefer(List<Entity> entities, Func<Entity, bool> better) =>
        entities.Any(better) ? [.. entities.Where(better)] : entities;
}
