using System.Collections.Immutable;

namespace McpGateway.Calls.Lists;

/// <summary>A list as it was last read. Immutable. Of entries that are told apart by the same text the first counts.</summary>
internal sealed class ListSnapshot
{
    private readonly Dictionary<string, ListEntry> _byName;
    private readonly Dictionary<string, ListEntry> _shortened;

    public ListSnapshot(ImmutableArray<ListEntry> entries, DateTimeOffset fetchedAt, TimeSpan timeToLive)
    {
        (Entries, FetchedAt, TimeToLive) = (entries, fetchedAt, timeToLive);
        _byName = new Dictionary<string, ListEntry>(entries.Length, StringComparer.Ordinal);
        _shortened = new Dictionary<string, ListEntry>(StringComparer.Ordinal);
        foreach (var entry in entries)
        {
            _byName.TryAdd(entry.Name, entry);
            if (AggregateName.IsShort(entry.AggregateName)) _shortened.TryAdd(entry.AggregateName, entry);
        }
    }

    public ImmutableArray<ListEntry> Entries { get; }

    public DateTimeOffset FetchedAt { get; }

    /// <summary>How long after that it is good.</summary>
    public TimeSpan TimeToLive { get; }

    public ListEntry? Find(string? name) => name is null ? null : _byName.GetValueOrDefault(name);

    /// <summary>What a short form on the aggregate stands for.</summary>
    public ListEntry? FindShort(string aggregateName) => _shortened.GetValueOrDefault(aggregateName);

    /// <summary>The template that an address follows from.</summary>
    public ListEntry? FindMatch(string uri)
    {
        foreach (var entry in Entries)
        {
            if (entry.Template?.Matches(uri) == true) return entry;
        }

        return null;
    }

    public bool IsSame(ListSnapshot other) =>
        Entries.Length == other.Entries.Length && Entries.Zip(other.Entries).All(static pair => pair.First.Json.Span.SequenceEqual(pair.Second.Json.Span));
}
