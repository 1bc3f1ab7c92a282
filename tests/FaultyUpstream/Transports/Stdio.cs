using System.Collections.Concurrent;
using System.Text;
using FaultyUpstream.Faults;
using FaultyUpstream.Protocol;
using FaultyUpstream.Server;
using FaultyUpstream.Sessions;

namespace FaultyUpstream.Transports;

/// <summary>
/// One message per line. The session is the process. Invariant: only <see cref="WriteAsync"/> writes, so lines never mix; dying and the end
/// of the input complete <see cref="RunAsync"/> once, and running calls end with the session.
/// </summary>
internal sealed class Stdio(FaultyServer server, Stream input, Stream output)
{
    /// <summary>The exit code of a process that was told to crash (EX_SOFTWARE).</summary>
    public const int CrashCode = 70;

    private readonly TaskCompletionSource<int> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentDictionary<Task, bool> _running = new();

    /// <summary>Ends it from outside.</summary>
    public void End(int code) => _ended.TrySetResult(code);

    /// <summary>Serves until the input ends or it dies.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var session = new ServerSession(UpstreamTransport.Stdio);
        session.Outbox.TryAttach();
        server.Sessions.Add(session);
        await using var stopped = cancellationToken.Register(() => _ended.TrySetResult(0));
        var reading = ReadAsync(session, cancellationToken);
        var writing = WriteAsync(session);
        var first = await Task.WhenAny(reading, writing, _ended.Task);
        // A broken pipe is news; that nobody wants to read any more is not.
        if (first == reading && !cancellationToken.IsCancellationRequested) await reading;
        server.Sessions.End(session, SessionEnd.Disconnected);
        await writing;
        await Task.WhenAll(_running.Keys);
        await output.DisposeAsync();
        return _ended.Task.IsCompleted ? await _ended.Task : 0;
    }

    private async Task ReadAsync(ServerSession session, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(input, new UTF8Encoding(false), leaveOpen: true);
        while (!_ended.Task.IsCompleted && await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line.Length > 0) Receive(session, line);
        }
    }

    private void Receive(ServerSession session, string line)
    {
        RpcMessage message;
        try
        {
            message = RpcMessage.Parse(Encoding.UTF8.GetBytes(line));
        }
        catch (RpcException error)
        {
            session.Outbox.Post(error.Answer(null));
            return;
        }

        var arrival = new Arrival(UpstreamTransport.Stdio, message.Method ?? Methods.Answer, session.Id, null, message) { IsKnownMethod = server.Knows(message.Method) };
        var received = ReceiveAsync(arrival, session);
        _running[received] = true;
        if (received.IsCompletedSuccessfully) _running.TryRemove(received, out _);
    }

    private async Task ReceiveAsync(Arrival arrival, ServerSession session)
    {
        try
        {
            await server.ReceiveAsync(arrival, session, new StdioExchange(session, () => End(CrashCode)));
        }
        catch (OperationCanceledException) when (session.Ended.IsCancellationRequested)
        {
            // The process ends while a fault still delays: nobody waits for the rest.
        }
    }

    private async Task WriteAsync(ServerSession session)
    {
        await foreach (var message in session.Outbox.ReadAllAsync(session.Ended))
        {
            var bytes = Encoding.UTF8.GetBytes(message.Half ? message.Text[..(message.Text.Length / 2)] : message.Text + "\n");
            await output.WriteAsync(bytes);
            await output.FlushAsync();
            if (!message.Half) continue;
            _ended.TrySetResult(CrashCode);
            return;
        }
    }
}
