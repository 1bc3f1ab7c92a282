using System.Text;
using FaultyUpstream.Faults;

namespace FaultyUpstream.Control;

/// <summary>
/// A folder in which servers leave what has to outlive them: a gateway starts stdio servers itself, several at once, and a crashed one
/// cannot be asked what it executed. Each server writes files of its own: <c>{process}-{id}.control</c> holds the address of its control
/// while it lives (one that was killed leaves it behind), <c>….executions</c> one call id a line, written before the tool goes on,
/// <c>….calls</c> a line for each call that arrived, and one for each that met a fault, <c>….cancellations</c> the request ids that were cancelled.
/// </summary>
public sealed class UpstreamRecord(string directory)
{
    /// <summary>The controls of the servers that live, and of those that were killed, by process id.</summary>
    public IReadOnlyList<(int ProcessId, Uri Control)> Controls =>
        [.. Files("control").Select(file => (ProcessId: int.Parse(Path.GetFileName(file).Split('-')[0], System.Globalization.CultureInfo.InvariantCulture), Address: ReadIfThere(file)))
            .Where(found => found.Address.Length > 0)
            .Select(found => (found.ProcessId, new Uri(found.Address)))];

    /// <summary>How often each call id was executed, over all servers, those that are gone included.</summary>
    public IReadOnlyDictionary<string, int> Executions =>
        Files("executions").SelectMany(ReadShared).GroupBy(id => id).ToDictionary(calls => calls.Key, calls => calls.Count());

    /// <summary>How often each call id arrived, whatever became of it, over all servers.</summary>
    public IReadOnlyDictionary<string, int> Arrivals =>
        Calls.Where(line => line.What == Writer.Arrival).GroupBy(line => line.Id).ToDictionary(calls => calls.Key, calls => calls.Count());

    /// <summary>The faults that were done to each call id, over all servers.</summary>
    public ILookup<string, FaultKind> Faults =>
        Calls.Where(line => line.What != Writer.Arrival).ToLookup(line => line.Id, line => Enum.Parse<FaultKind>(line.What));

    /// <summary>The request ids named by cancellations that were received, over all servers.</summary>
    public IReadOnlyList<string> Cancellations => [.. Files("cancellations").SelectMany(ReadShared)];

    private IEnumerable<(string What, string Id)> Calls =>
        Files("calls").SelectMany(ReadShared).Select(line => line.Split(' ', 2)).Select(parts => (parts[0], parts[1]));

    internal Writer Open() => new(directory);

    private IEnumerable<string> Files(string extension) => Directory.Exists(directory) ? Directory.EnumerateFiles(directory, $"*.{extension}") : [];

    /// <summary>A server that ends removes its file, which may be between the listing and the reading.</summary>
    private static string ReadIfThere(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (FileNotFoundException)
        {
            return "";
        }
    }

    private static IEnumerable<string> ReadShared(string file)
    {
        using var reader = new StreamReader(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>One server's files. Invariant: <c>_gate</c> serialises the lines; each is handed to the operating system at once, so only a crash of the machine can lose it.</summary>
    internal sealed class Writer : IDisposable
    {
        internal const string Arrival = "arrived";

        private readonly Lock _gate = new();
        private readonly string _name;
        private readonly FileStream _executions;
        private readonly FileStream _calls;
        private readonly FileStream _cancellations;

        public Writer(string directory)
        {
            Directory.CreateDirectory(directory);
            _name = Path.Combine(directory, $"{Environment.ProcessId}-{Guid.NewGuid():N}");
            (_executions, _calls, _cancellations) = (Create("executions"), Create("calls"), Create("cancellations"));
        }

        public void Announce(Uri control) => File.WriteAllText($"{_name}.control", control.ToString());

        public void Executed(string callId) => WriteLine(_executions, callId);

        public void Arrived(string callId) => WriteLine(_calls, $"{Arrival} {callId}");

        public void Cancelled(string requestId) => WriteLine(_cancellations, requestId);

        public void Faulted(string callId, FaultKind kind) => WriteLine(_calls, $"{kind} {callId}");

        public void Dispose()
        {
            File.Delete($"{_name}.control");
            _executions.Dispose();
            _calls.Dispose();
            _cancellations.Dispose();
        }

        private FileStream Create(string extension) =>
            new($"{_name}.{extension}", FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);

        private void WriteLine(FileStream file, string line)
        {
            lock (_gate) file.Write(Encoding.UTF8.GetBytes(line.ReplaceLineEndings(" ") + "\n"));
        }
    }
}
