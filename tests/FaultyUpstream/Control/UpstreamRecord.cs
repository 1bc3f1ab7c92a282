using System.Text;

namespace FaultyUpstream.Control;

/// <summary>
/// A folder in which servers leave what has to outlive them: a gateway starts stdio servers itself, several at once, and a crashed one
/// cannot be asked what it executed. Each server writes files of its own: <c>{process}-{id}.control</c> holds the address of its control
/// while it lives (one that was killed leaves it behind), <c>….executions</c> one call id a line, written before the tool goes on.
/// </summary>
public sealed class UpstreamRecord(string directory)
{
    /// <summary>The controls of the servers that live, and of those that were killed, by process id.</summary>
    public IReadOnlyList<(int ProcessId, Uri Control)> Controls =>
        [.. Files("control").Select(file => (int.Parse(Path.GetFileName(file).Split('-')[0], System.Globalization.CultureInfo.InvariantCulture), File.ReadAllText(file)))
            .Where(found => found.Item2.Length > 0)
            .Select(found => (found.Item1, new Uri(found.Item2)))];

    /// <summary>How often each call id was executed, over all servers, those that are gone included.</summary>
    public IReadOnlyDictionary<string, int> Executions =>
        Files("executions").SelectMany(ReadShared).GroupBy(id => id).ToDictionary(calls => calls.Key, calls => calls.Count());

    internal Writer Open() => new(directory);

    private IEnumerable<string> Files(string extension) => Directory.Exists(directory) ? Directory.EnumerateFiles(directory, $"*.{extension}") : [];

    private static IEnumerable<string> ReadShared(string file)
    {
        using var reader = new StreamReader(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>One server's files. Invariant: <c>_gate</c> serialises the lines; each is handed to the operating system at once, so only a crash of the machine can lose it.</summary>
    internal sealed class Writer : IDisposable
    {
        private readonly Lock _gate = new();
        private readonly string _name;
        private readonly FileStream _executions;

        public Writer(string directory)
        {
            Directory.CreateDirectory(directory);
            _name = Path.Combine(directory, $"{Environment.ProcessId}-{Guid.NewGuid():N}");
            _executions = new FileStream($"{_name}.executions", FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        }

        public void Announce(Uri control) => File.WriteAllText($"{_name}.control", control.ToString());

        public void Executed(string callId)
        {
            lock (_gate) _executions.Write(Encoding.UTF8.GetBytes(callId.ReplaceLineEndings(" ") + "\n"));
        }

        public void Dispose()
        {
            File.Delete($"{_name}.control");
            _executions.Dispose();
        }
    }
}
