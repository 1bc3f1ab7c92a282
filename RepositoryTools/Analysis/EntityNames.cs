using System.Text.RegularExpressions;

namespace RepositoryTools.Analysis;

/// <summary>Matches entities by what a client calls them.</summary>
internal static class EntityNames
{
    private const int MaxNear = 8;

    /// <summary>Whether an entity matches a part of a name, a pattern with wildcards, or Container.Name.</summary>
    internal static Func<Entity, bool> Matching(string? name)
    {
        if (string.IsNullOrWhiteSpace(name))
        {
            return _ => true;
        }

        var wanted = name.Trim();
        if (wanted.AsSpan().IndexOfAny('*', '?') >= 0)
        {
            var pattern = new Regex(
                $"(^|[.]){Regex.Escape(wanted).Replace(@"\*", "[^.]*", StringComparison.Ordinal).Replace(@"\?", "[^.]", StringComparison.Ordinal)}$",
                RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
            return e => pattern.IsMatch(FullName(e));
        }

        return wanted.Contains('.', StringComparison.Ordinal)
            ? e => e.Name.Contains(wanted, StringComparison.OrdinalIgnoreCase) || IsNamed(e, wanted, StringComparison.OrdinalIgnoreCase)
            : e => e.Name.Contains(wanted, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Whether an entity has that simple name, or that name with some or all of its containers.</summary>
    internal static bool IsNamed(Entity entity, string name, StringComparison comparison = StringComparison.Ordinal) =>
        entity.Name.Equals(name, comparison)
        || (name.EndsWith(entity.Name, comparison) && name.Contains('.', StringComparison.Ordinal) && ("." + FullName(entity)).EndsWith("." + name, comparison));

    /// <summary>Names like one that does not exist: the same letters in another case, a part of it, or few letters apart.</summary>
    internal static List<string> Near(IEnumerable<Entity> entities, string name)
    {
        var simple = name[(name.LastIndexOf('.') + 1)..];
        return
        [
            .. entities.Select(e => e.Name).Distinct(StringComparer.Ordinal)
                .Select(n => (Name: n, Distance: Distance(n, simple)))
                .Where(n => n.Distance <= Math.Max(2, simple.Length / 3))
                .OrderBy(n => n.Distance).ThenBy(n => n.Name, StringComparer.Ordinal)
                .Take(MaxNear).Select(n => n.Name),
        ];
    }

    /// <summary>The name behind all that contains it.</summary>
    internal static string FullName(Entity entity) => entity.Container is null ? entity.Name : $"{entity.Container}.{entity.Name}";

    private static int Distance(string one, string other)
    {
        if (one.Contains(other, StringComparison.OrdinalIgnoreCase) && other.Length >= 3)
        {
            return one.Length == other.Length ? 0 : 1;
        }

        var previous = new int[other.Length + 1];
        var current = new int[other.Length + 1];
        for (var j = 0; j <= other.Length; j++)
        {
            previous[j] = j;
        }

        for (var i = 1; i <= one.Length; i++)
        {
            current[0] = i;
            for (var j = 1; j <= other.Length; j++)
            {
                var cost = char.ToUpperInvariant(one[i - 1]) == char.ToUpperInvariant(other[j - 1]) ? 0 : 1;
                current[j] = Math.Min(Math.Min(current[j - 1], previous[j]) + 1, previous[j - 1] + cost);
            }

            (previous, current) = (current, previous);
        }

        return previous[other.Length];
    }
}
