using System.Collections.Concurrent;

namespace Agents.Runs;

/// <summary>
/// Makes it harmless to send a write again whose answer was lost. Each write under way has a writer of its own, a name with a turn that rises;
/// the run remembers the last turn of each writer and its answer, and answers a turn it knows without doing it again.
/// </summary>
/// <remarks>A writer belongs to one write from <see cref="Take"/> to <see cref="Return"/>; so a run sees no more writers than writes were ever made to it at once.</remarks>
internal sealed class RedisWriters
{
    private readonly string _process = Guid.NewGuid().ToString("N")[..12];
    private readonly ConcurrentBag<Writer> _idle = [];
    private int _count;

    /// <summary>A writer at a new turn.</summary>
    public Writer Take()
    {
        var writer = _idle.TryTake(out var idle) ? idle : new Writer($"{_process}-{Interlocked.Increment(ref _count)}");
        writer.Turn++;
        return writer;
    }

    /// <summary>Gives the writer to the next write.</summary>
    public void Return(Writer writer) => _idle.Add(writer);

    /// <param name="name">Unique over all processes.</param>
    internal sealed class Writer(string name)
    {
        public string Name => name;

        public long Turn { get; set; }
    }
}
