using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace McpGateway.Upstreams.Links;

/// <summary>
/// A child process and, where it leads a process group, whatever it has started besides. They end together, in the order that MCP gives for stdio
/// (close the input, wait, SIGTERM, wait, SIGKILL), also when the child itself has left before the others.
/// Invariant: a group that was once seen empty is not signalled again, since its number may be another's by then. Until the child has left, its group counts as there.
/// </summary>
internal sealed class ChildProcess : IDisposable
{
    private const int NoSignal = 0;
    private const int SigKill = 9;
    private const int SigTerm = 15;

    /// <summary>How long each step waits for the next.</summary>
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(2);

    /// <summary>How often a group is looked at: the kernel tells nobody that it is empty.</summary>
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(20);

    private readonly Process _process;
    private readonly bool _leadsGroup;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lazy<Task> _end;
    private volatile bool _groupIsGone;

    /// <param name="process">A process that has been started.</param>
    /// <param name="leadsGroup">True when it makes itself the leader of a group of its own, whose number is its id.</param>
    /// <param name="time">For the waits.</param>
    /// <param name="logger">Hears what cannot be ended.</param>
    public ChildProcess(Process process, bool leadsGroup, TimeProvider time, ILogger logger)
    {
        (_process, _leadsGroup, _time, _logger) = (process, leadsGroup, time, logger);
        _end = new Lazy<Task>(EndOnceAsync);
    }

    /// <summary>Raised once, when nothing is left of the group or it has been killed.</summary>
    public event Action? Ended;

    public int Id => _process.Id;

    public Stream Input => _process.StandardInput.BaseStream;

    public Stream Output => _process.StandardOutput.BaseStream;

    public StreamReader Error => _process.StandardError;

    /// <summary>Of the child itself, after its end; 128 and the signal's number when a signal has ended it.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>Waits until the child itself has left.</summary>
    public Task WaitForExitAsync(CancellationToken cancellationToken) => _process.WaitForExitAsync(cancellationToken);

    /// <summary>Waits for some time.</summary>
    /// <returns>False when the child itself is still there.</returns>
    public async Task<bool> WaitForExitAsync(TimeSpan most)
    {
        using var patience = new CancellationTokenSource(most, _time);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Ends the child and its group; the second call waits for the first.</summary>
    public Task EndAsync() => _end.Value;

    public void Dispose() => _process.Dispose();

    private async Task EndOnceAsync()
    {
        CloseInput();
        var hasLeft = await WaitForExitAsync(s_grace);
        if (_leadsGroup && !(hasLeft && IsGroupGone()))
        {
            Signal(SigTerm);
            hasLeft = await IsGoneWithinAsync(s_grace);
        }

        if (!hasLeft) Kill();
        Ended?.Invoke();
    }

    private void CloseInput()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // The pipe is gone because the process is: what closing was to achieve.
        }
    }

    private async Task<bool> IsGoneWithinAsync(TimeSpan most)
    {
        using var patience = new CancellationTokenSource(most, _time);
        using var look = new PeriodicTimer(s_look, _time);
        try
        {
            while (!IsGroupGone()) await look.WaitForNextTickAsync(patience.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private bool IsGroupGone()
    {
        if (!_groupIsGone && _process.HasExited && SendSignal(-_process.Id, NoSignal) != 0) _groupIsGone = true;
        return _groupIsGone;
    }

    private void Signal(int signal)
    {
        if (!IsGroupGone()) _ = SendSignal(-_process.Id, signal);
    }

    private void Kill()
    {
        try
        {
            // While the child lives, those who have left its group are found through it.
            if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        }
        catch (Exception exception) when (exception is InvalidOperationException or Win32Exception or AggregateException)
        {
            _logger.KillFailed(exception);
        }

        if (_leadsGroup) Signal(SigKill);
    }

    /// <summary><c>kill</c> of POSIX: to a group when the number is negative; 0 when there was somebody to send it to.</summary>
    [DllImport("libc", EntryPoint = "kill")]
    private static extern int SendSignal(int process, int signal);
}
