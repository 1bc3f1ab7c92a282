using System.Diagnostics;
using System.Runtime.InteropServices;
using Xunit;

namespace Testing;

/// <summary>
/// A process a test started. It never outlives the test run: disposing it kills it with its children, and so does the end of the test process.
/// Invariant: <c>_gate</c> guards the lines and the waiters; a waiter is completed once, by the line it waits for or by the end of the output.
/// </summary>
public sealed partial class ChildProcess : IAsyncDisposable
{
    private const int SigTerm = 15;
    private const int SigCont = 18;
    private const int SigStop = 19;
    private readonly Lock _gate = new();
    private readonly List<string> _lines = [];
    private readonly List<(Func<string, bool> Wanted, TaskCompletionSource<string> Found)> _waiters = [];
    private readonly Process _process;
    private readonly string _name;
    private int _openStreams = 2;

    private ChildProcess(ProcessStartInfo start)
    {
        _name = $"{Path.GetFileName(start.FileName)} {string.Join(' ', start.ArgumentList.Select(Path.GetFileName))}".Trim();
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Receive(line.Data);
        _process.ErrorDataReceived += (_, line) => Receive(line.Data);
    }

    /// <summary>The process id.</summary>
    public int Id => _process.Id;

    /// <summary>True when it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>What it reads as standard input.</summary>
    public StreamWriter Input => _process.StandardInput;

    /// <summary>The lines written so far, standard output and error together.</summary>
    public IReadOnlyList<string> Output
    {
        get
        {
            lock (_gate) return [.. _lines];
        }
    }

    /// <summary>Starts a program with these arguments; a variable with the value null is removed from the inherited environment.</summary>
    public static ChildProcess Start(
        string program,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string?>? environment = null,
        string? workingDirectory = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = workingDirectory ?? "",
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
        {
            if (value is null) start.Environment.Remove(name);
            else start.Environment[name] = value;
        }

        var child = new ChildProcess(start);
        child._process.Start();
        AppDomain.CurrentDomain.ProcessExit += child.KillAtExit;
        child._process.BeginOutputReadLine();
        child._process.BeginErrorReadLine();
        return child;
    }

    /// <summary>The first line, past or to come, that is wanted.</summary>
    /// <exception cref="TimeoutException">It did not come in time; the message holds the output.</exception>
    /// <exception cref="InvalidOperationException">The process ended without it; the message holds the output.</exception>
    public async Task<string> WaitForLineAsync(Func<string, bool> wanted, TimeSpan? within = null)
    {
        var found = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_lines.Find(line => wanted(line)) is { } line) return line;
            if (_openStreams == 0) throw new InvalidOperationException(Story("ended without the expected line"));
            _waiters.Add((wanted, found));
        }

        try
        {
            return await found.Task.WaitAsync(within ?? Eventually.Patience, TimeProvider.System, TestContext.Current.CancellationToken);
        }
        catch (TimeoutException error)
        {
            throw new TimeoutException(Story("did not write the expected line in time"), error);
        }
    }

    /// <summary>Waits for the end of the process and of its output.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="TimeoutException">It did not end in time; the message holds the output.</exception>
    public async Task<int> WaitForExitAsync(TimeSpan? within = null)
    {
        try
        {
            await _process.WaitForExitAsync(TestContext.Current.CancellationToken)
                .WaitAsync(within ?? Eventually.Patience, TimeProvider.System, TestContext.Current.CancellationToken);
            return _process.ExitCode;
        }
        catch (TimeoutException error)
        {
            throw new TimeoutException(Story("did not end in time"), error);
        }
    }

    /// <summary>Asks the process to stop, as a terminal or an orchestrator does (SIGTERM).</summary>
    public void Terminate() => Send(SigTerm, "SIGTERM");

    /// <summary>Stops the process where it is, as a machine that is put to sleep does (SIGSTOP, Linux's number).</summary>
    public void Pause() => Send(SigStop, "SIGSTOP");

    /// <summary>Lets a paused process go on (SIGCONT, Linux's number).</summary>
    public void Resume() => Send(SigCont, "SIGCONT");

    /// <summary>Ends the process and its children at once, as a crash or the kernel does (SIGKILL).</summary>
    public void Kill() => _process.Kill(entireProcessTree: true);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= KillAtExit;
        if (!_process.HasExited) Kill();
        // Waits for the end of its output too, which a grandchild that lives on would hold open for ever.
        await _process.WaitForExitAsync(CancellationToken.None)
            .WaitAsync(TimeSpan.FromSeconds(5), TimeProvider.System)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _process.Dispose();
    }

    private void Send(int signal, string name)
    {
        if (OperatingSystem.IsWindows()) throw new PlatformNotSupportedException($"There is no {name} on Windows.");
        if (SendSignal(_process.Id, signal) != 0 && !_process.HasExited)
            throw new InvalidOperationException($"{name} could not be sent: error {Marshal.GetLastPInvokeError()}.");
    }

    private void KillAtExit(object? sender, EventArgs e)
    {
        if (!_process.HasExited) Kill();
    }

    private void Receive(string? line)
    {
        List<TaskCompletionSource<string>> found = [];
        lock (_gate)
        {
            if (line is null)
            {
                if (--_openStreams > 0) return;
                foreach (var waiter in _waiters)
                    waiter.Found.TrySetException(new InvalidOperationException(Story("ended without the expected line")));
                _waiters.Clear();
                return;
            }

            _lines.Add(line);
            found.AddRange(_waiters.Where(waiter => waiter.Wanted(line)).Select(waiter => waiter.Found));
            _waiters.RemoveAll(waiter => found.Contains(waiter.Found));
        }

        foreach (var waiter in found) waiter.TrySetResult(line);
    }

    private string Story(string what) => $"{_name} {what}. Its output:\n{string.Join('\n', Output)}";

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int process, int signal);
}
