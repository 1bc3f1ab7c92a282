using System.Globalization;
using RepositoryTools.Repositories;

namespace RepositoryTools.Analysis;

/// <summary>Decides which entities a name means.</summary>
internal static class EntityChoice
{
    /// <summary>
    /// The entities of that name, each with its partial declarations and overloads. A type goes before its members of the same name,
    /// code before tests and before what is vendored. "file:line" means what starts there.
    /// </summary>
    internal static IReadOnlyList<IReadOnlyList<Entity>> Of(Snapshot snapshot, string name)
    {
        var files = snapshot.Files.Where(f => f.Reading is not null).ToDictionary(f => f.Path, StringComparer.Ordinal);
        var named = files.Values
            .SelectMany(f => f.Reading!.Entities)
            .Where(e => e.Kind != "heading" && (EntityNames.IsNamed(e, name) || IsAt(e, name)))
            .ToList();
        var chosen = Prefer(Prefer(Prefer(named, e => e.IsType), e => !files[e.File].IsTest), e => files[e.File].IsOwnCode);
        return
        [
            .. chosen.GroupBy(e => (EntityNames.FullName(e), e.IsType, Home: snapshot.Projects.FolderOf(e.File) ?? e.File)).Select(g => g.ToList()),
        ];
    }

    private static bool IsAt(Entity entity, string place) =>
        place.Length > entity.File.Length && place[entity.File.Length] == ':' && place.StartsWith(entity.File, StringComparison.Ordinal)
        && place.AsSpan(entity.File.Length + 1).SequenceEqual(entity.Line.ToString(CultureInfo.InvariantCulture));

    private static List<Entity> Prefer(List<Entity> entities, Func<Entity, bool> better) =>
        entities.Any(better) ? [.. entities.Where(better)] : entities;
}
