using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Aspire.Hosting.Local;

/// <summary>A running child: its lines, its end.</summary>
internal sealed class ChildProcess : IDisposable
{
    private const int KeptLines = 20;
    private const int Terminate = 15;
    private readonly Process _process;
    private readonly Action<string> _onLine;
    private readonly Lock _gate = new();
    private readonly Queue<string> _lastLines = new();

    internal ChildProcess(Process process, string input, Action<string> onLine)
    {
        _process = process;
        _onLine = onLine;
        WriteInput(input);
        Exited = WaitForEndAsync(Task.WhenAll(ReadAsync(process.StandardOutput), ReadAsync(process.StandardError)));
    }

    internal int Id => _process.Id;

    /// <summary>Completes with the exit code once the process has ended and its last lines are read.</summary>
    internal Task<int> Exited { get; }

    internal IReadOnlyList<string> LastLines
    {
        get
        {
            lock (_gate)
                return [.. _lastLines];
        }
    }

    /// <summary>Asks the process to end; kills it, with all it started, when it still runs as <paramref name="deadline"/> completes.</summary>
    /// <returns>False when it had to be killed.</returns>
    internal async Task<bool> StopAsync(Task deadline)
    {
        if (!_process.HasExited && !OperatingSystem.IsWindows())
        {
            _ = Signal(_process.Id, Terminate);
            if (await Task.WhenAny(Exited, deadline).ConfigureAwait(false) == Exited)
                return true;
        }
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await Exited.ConfigureAwait(false);
        return false;
    }

    public void Dispose() => _process.Dispose();

    // A few lines, which the pipe's buffer takes whole: this does not wait for the child to read them.
    private void WriteInput(string input)
    {
        try
        {
            using var writer = _process.StandardInput;
            writer.Write(input);
        }
        catch (IOException)
        {
            // It has ended already; its exit code says more.
        }
    }

    private async Task<int> WaitForEndAsync(Task readers)
    {
        await _process.WaitForExitAsync().ConfigureAwait(false);
        // A grandchild may hold the pipe open; what has arrived by then is enough.
        await Task.WhenAny(readers, Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System)).ConfigureAwait(false);
        return _process.ExitCode;
    }

    private async Task ReadAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            lock (_gate)
            {
                _lastLines.Enqueue(line);
                if (_lastLines.Count > KeptLines)
                    _lastLines.Dequeue();
            }
            _onLine(line);
        }
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Signal(int process, int signal);
}
