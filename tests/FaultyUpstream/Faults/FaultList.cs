namespace FaultyUpstream.Faults;

/// <summary>
/// The faults that are set. Invariant: <c>_gate</c> guards the list and every fault's counters, so that of many requests at once exactly
/// <see cref="Fault.Times"/> are hit.
/// </summary>
internal sealed class FaultList
{
    private readonly Lock _gate = new();
    private readonly List<Entry> _entries = [];
    private int _lastId;

    public IReadOnlyList<SetFault> All
    {
        get
        {
            lock (_gate) return [.. _entries.Select(entry => new SetFault(entry.Id, entry.Fault, entry.Fired))];
        }
    }

    /// <returns>The id under which it can be removed.</returns>
    public int Add(Fault fault)
    {
        lock (_gate)
        {
            _entries.Add(new Entry(++_lastId, fault));
            return _lastId;
        }
    }

    public bool Remove(int id)
    {
        lock (_gate) return _entries.RemoveAll(entry => entry.Id == id) > 0;
    }

    public void Clear()
    {
        lock (_gate) _entries.Clear();
    }

    /// <summary>The fault to do to a request; null when it is to be treated well.</summary>
    public Fault? Take(Arrival arrival) => Take(arrival, fault => fault.Kind != FaultKind.OneSession);

    /// <summary>
    /// The <see cref="FaultKind.OneSession"/> that forbids another session; null when it may be opened. Asked apart from the others, because the answer
    /// holds only while the caller keeps others from opening one.
    /// </summary>
    public Fault? TakeSessionLimit(Arrival arrival, int openSessions) =>
        Take(arrival, fault => fault.Kind == FaultKind.OneSession && openSessions >= fault.MaxSessions);

    private Fault? Take(Arrival arrival, Func<Fault, bool> isAsked)
    {
        lock (_gate)
        {
            foreach (var entry in _entries)
            {
                if (FaultTable.Find(entry.Fault, arrival.Transport) is null or FaultAct.Absent) continue;
                if (!isAsked(entry.Fault) || !entry.Fault.IsFor(arrival) || !entry.Claims(arrival)) continue;
                if (++entry.Fired == entry.Fault.Times) _entries.Remove(entry);
                return entry.Fault;
            }

            return null;
        }
    }

    private sealed class Entry(int id, Fault fault)
    {
        private readonly HashSet<string> _connections = [];
        private int _matched;

        public int Id => id;
        public Fault Fault => fault;
        public int Fired { get; set; }

        public bool Claims(Arrival arrival)
        {
            if (fault.Connections is { } connections && !IsAmongFirst(connections, arrival.ConnectionId)) return false;
            var (hits, of) = fault.Share;
            // Bresenham's line: of every `of` matches exactly `hits`, the first among them.
            return (long)_matched++ * hits % of < hits;
        }

        private bool IsAmongFirst(int connections, string? id) =>
            id is not null && (_connections.Contains(id) || (_connections.Count < connections && _connections.Add(id)));
    }
}

/// <summary>A fault that is set.</summary>
/// <param name="Id">Under which it can be removed.</param>
/// <param name="Fault">The fault.</param>
/// <param name="Fired">How many requests it has hit.</param>
public sealed record SetFault(int Id, Fault Fault, int Fired);
