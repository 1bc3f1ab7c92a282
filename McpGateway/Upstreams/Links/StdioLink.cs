using System.Diagnostics;
using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Upstreams.Links;

/// <summary>
/// A child process that speaks MCP on standard input and output, one message a line. The process and what it has started belong to the link: they
/// end with it, and it ends with the process, whoever else may still hold the pipes.
/// </summary>
internal sealed class StdioLink : MultiplexedLink
{
    private static readonly TimeSpan s_exitGrace = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_lastWords = TimeSpan.FromSeconds(2);

    /// <summary>A write of up to so many bytes to a pipe is all or nothing: <c>PIPE_BUF</c> of POSIX, 4096 on Linux and at least 512 elsewhere.</summary>
    private static readonly int s_wholeWrite = OperatingSystem.IsLinux() ? 4096 : OperatingSystem.IsWindows() ? 0 : 512;

    private readonly ChildProcess _process;
    private readonly int _messageLimit;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _writing = new(1);
    private readonly ChildSpeech _speech;
    private readonly Noise _noise;
    private readonly Task _reading;
    private readonly Task _errors;
    private readonly Task _watching;
    private int _disposed;

    private StdioLink(ChildProcess process, UpstreamConfig config, int messageLimit, TimeProvider time, ILogger logger)
        : base(config.Name, logger)
    {
        (_process, _messageLimit, _time) = (process, messageLimit, time);
        _speech = new ChildSpeech(config.Name, config.Secrets, logger);
        _noise = new Noise(config.Name, config.Secrets, logger);
        _reading = Task.Run(ReadAsync);
        _errors = Task.Run(() => _speech.ReadAsync(process.Error));
        _watching = Task.Run(WatchAsync);
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
            return new StdioLink(await ChildStarter.StartAsync(start, time, logger), config, messageLimit, time, logger);
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
            var input = _process.Input;
            await input.WriteAsync(line, CancellationToken.None);
            await input.FlushAsync(CancellationToken.None);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // How the process ended says more than that its pipe is gone.
            Break(await ExitSentenceAsync(exception is IOException ? "The process does not read its input any more." : $"The process cannot be written to: {exception.Message}"));
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
        await _process.EndAsync();
        try
        {
            await Task.WhenAll(_reading, _errors, _watching).WaitAsync(s_exitGrace, _time);
        }
        catch (TimeoutException)
        {
            // Somebody has inherited the pipes and left the process group. Disposing closes our ends of them.
        }

        _process.Dispose();
    }

    public override string Redact(string text) => _speech.Secrets.Redact(text);

    /// <summary>Ends what the process has left behind, which serves nobody any more and may hold its pipes open.</summary>
    private async Task WatchAsync()
    {
        await _process.WaitForExitAsync(CancellationToken.None);
        await _process.EndAsync();
        try
        {
            await _reading.WaitAsync(s_exitGrace, _time);
        }
        catch (TimeoutException)
        {
            Break(await ExitSentenceAsync("The process closed its output."));
        }
    }

    private async Task ReadAsync()
    {
        try
        {
            var lines = new LineReader(_process.Output, _messageLimit);
            while (await lines.ReadAsync(CancellationToken.None) is { } line)
            {
                if (line.Length == 0) line.Dispose();
                else if (Deliver(line)) _noise.End();
                else if (_noise.Verdict is not null) break;
            }

            _noise.End();
            if (_noise.Verdict is { } verdict)
            {
                Break(verdict, _noise.IsAllThereWas ? FailureKind.NotMcp : FailureKind.OutcomeUnknown);
                return;
            }

            Break(await ExitSentenceAsync("The process closed its output."));
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or MessageTooLargeException)
        {
            Break($"The process's output cannot be read: {exception.Message}");
        }
    }

    protected override void Ignore(ReadOnlySpan<byte> bytes, string reason) => _noise.Hear(bytes, reason);

    private async Task<string> ExitSentenceAsync(string whenItLives)
    {
        if (!await _process.WaitForExitAsync(s_exitGrace)) return whenItLives;
        try
        {
            // What it said last may still be in the pipe.
            await _errors.WaitAsync(s_lastWords, _time);
        }
        catch (TimeoutException)
        {
            // Another process holds the pipe; what has come is what there is.
        }

        return $"The process ended with exit code {_process.ExitCode}.{(_speech.LastWords is { } words ? $" Its last words: {words}" : "")}";
    }
}
