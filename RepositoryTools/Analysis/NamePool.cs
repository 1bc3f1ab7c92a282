using System.Collections.Concurrent;

namespace RepositoryTools.Analysis;

/// <summary>Keeps one copy of each identifier: the same names occur in most files.</summary>
internal static class NamePool
{
    private static readonly ConcurrentDictionary<string, string> _names = new(StringComparer.Ordinal);

    /// <summary>The one copy of a name.</summary>
    internal static string Get(string name) => _names.GetOrAdd(name, name);

    /// <summary>The one copy of a name, without a new string where there is one.</summary>
    internal static string Get(ReadOnlySpan<char> name) =>
        _names.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name, out var kept) ? kept : Get(name.ToString());
}
