using System.Diagnostics;
using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Upstreams.Links;

/// <summary>
/// A child process that speaks MCP on standard input and output, one message a line. The process belongs to the link: it is
/// asked to end by closing its input, and killed with its children when it does not, or when the gateway dies.
/// </summary>
internal sealed class StdioLink : MultiplexedLink
{
    private static readonly TimeSpan s_exitGrace = TimeSpan.FromSeconds(2);

    /// <summary>A write of up to so many bytes to a pipe is all or nothing: <c>PIPE_BUF</c> of POSIX, 4096 on Linux and at least 512 elsewhere.</summary>
    private static readonly int s_wholeWrite = OperatingSystem.IsLinux() ? 4096 : OperatingSystem.IsWindows() ? 0 : 512;

    private readonly Process _process;
    private readonly int _messageLimit;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _writing = new(1);
    private readonly Task _reading;
    private readonly Task _errors;
    private int _disposed;

    private StdioLink(Process process, string upstream, int messageLimit, TimeProvider time, ILogger logger)
        : base(upstream, logger)
    {
        (_process, _messageLimit, _time) = (process, messageLimit, time);
        _reading = Task.Run(ReadAsync);
        _errors = Task.Run(ReadErrorsAsync);
    }

    /// <summary>Starts the process.</summary>
    /// <exception cref="UpstreamException">The command cannot be started.</exception>
    public static async Task<StdioLink> StartAsync(UpstreamConfig config, int messageLimit, TimeProvider time, ILogger logger)
    {
        var start = new ProcessStartInfo(config.Command!)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = config.WorkingDirectory ?? Environment.CurrentDirectory,
        };
        foreach (var argument in config.Args) start.ArgumentList.Add(argument);
        ChildEnvironment.Apply(start.Environment, config.Env);
        try
        {
            return new StdioLink(await ChildStarter.StartAsync(start), config.Name, messageLimit, time, logger);
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            throw new UpstreamException(FailureKind.Unreachable, $"The command '{config.Command}' cannot be started: {exception.Message}. Check that it is installed and on the gateway's PATH.", exception);
        }
    }

    public override UpstreamTransport Transport => UpstreamTransport.Stdio;

    protected override async Task WriteAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken);
        // A copy, since a process that does not read keeps the write waiting after its caller has gone.
        var writing = WriteLineAsync([.. message.Span, (byte)'\n']);
        try
        {
            await writing.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (!writing.IsCompleted)
        {
            // Half a line would garble every later message of other callers, and none of them could be written.
            Break("The process does not read its input any more.");
            throw;
        }
    }

    private async Task WriteLineAsync(byte[] line)
    {
        try
        {
            var input = _process.StandardInput.BaseStream;
            await input.WriteAsync(line, CancellationToken.None);
            await input.FlushAsync(CancellationToken.None);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // How the process ended says more than that its pipe is gone.
            Break(exception is IOException ? await ExitSentenceAsync("The process does not read its input any more.") : $"The process cannot be written to: {exception.Message}");
            // Of a short line nothing has arrived. Of a long one a part may have; a server that takes what has no end yet may have run it.
            throw new UpstreamException(exception is IOException && line.Length <= s_wholeWrite ? FailureKind.Unreachable : FailureKind.OutcomeUnknown, BrokenReason!, exception);
        }
        finally
        {
            _writing.Release();
        }
    }

    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        await base.DisposeAsync();
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // The pipe is gone because the process is: what closing was to achieve.
        }

        using (var grace = new CancellationTokenSource(s_exitGrace, _time))
        {
            try
            {
                await _process.WaitForExitAsync(grace.Token);
            }
            catch (OperationCanceledException)
            {
                Kill();
            }
        }

        try
        {
            await Task.WhenAll(_reading, _errors).WaitAsync(s_exitGrace, _time);
        }
        catch (TimeoutException)
        {
            // A grandchild has inherited the pipes and left the process tree. Disposing closes our ends of them.
        }

        _process.Dispose();
    }

    private void Kill()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (Exception exception) when (exception is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            Logger.KillFailed(exception);
        }
    }

    private async Task ReadAsync()
    {
        try
        {
            var lines = new LineReader(_process.StandardOutput.BaseStream, _messageLimit);
            while (await lines.ReadAsync(CancellationToken.None) is { } line)
            {
                if (line.Length == 0) line.Dispose();
                else Deliver(line);
            }

            Break(await ExitSentenceAsync("The process closed its output."));
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or MessageTooLargeException)
        {
            Break($"The process's output cannot be read: {exception.Message}");
        }
    }

    private async Task<string> ExitSentenceAsync(string whenItLives)
    {
        using var grace = new CancellationTokenSource(s_exitGrace, _time);
        try
        {
            await _process.WaitForExitAsync(grace.Token);
            return $"The process ended with exit code {_process.ExitCode}.";
        }
        catch (OperationCanceledException)
        {
            return whenItLives;
        }
    }

    private async Task ReadErrorsAsync()
    {
        try
        {
            while (await _process.StandardError.ReadLineAsync() is { } line) Logger.UpstreamSaid(Upstream, line);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            Logger.UpstreamSaid(Upstream, $"(standard error cannot be read: {exception.Message})");
        }
    }
}
