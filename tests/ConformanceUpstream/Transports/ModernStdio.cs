using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using ConformanceUpstream.Modern;

namespace ConformanceUpstream.Transports;

/// <summary>2026-07-28 on standard input and output, where a request is taken back with <c>notifications/cancelled</c>.</summary>
internal sealed class ModernStdio(ModernServer server)
{
    private readonly Channel<JsonObject> _outgoing = Channel.CreateUnbounded<JsonObject>();
    private readonly ConcurrentDictionary<string, CancellationTokenSource> _running = new();

    public async Task RunAsync(Stream input, Stream output, CancellationToken cancellationToken)
    {
        var writing = WriteAsync(output);
        await Lines.ReadAsync(input, Receive, Send, cancellationToken);
        foreach (var id in _running.Keys) Cancel(id);
        _outgoing.Writer.TryComplete();
        await writing;
    }

    private void Receive(RpcMessage message)
    {
        if (message.IsRequest) _ = AnswerAsync(message);
        else if (message.Method == "notifications/cancelled" && message.Params["requestId"] is { } id) Cancel(id.ToJsonString());
    }

    private void Cancel(string id)
    {
        if (!_running.TryGetValue(id, out var running)) return;
        try
        {
            running.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // Answered meanwhile.
        }
    }

    private async Task AnswerAsync(RpcMessage message)
    {
        using var cancelled = _running[message.IdText] = new CancellationTokenSource();
        try
        {
            Send(await server.AnswerAsync(message, NotifyAsync, cancelled.Token));
        }
        catch (RpcException error)
        {
            Send(error.Answer(message.Id));
        }
        catch (OperationCanceledException) when (cancelled.IsCancellationRequested)
        {
            // Taken back: no answer.
        }
        finally
        {
            _running.TryRemove(message.IdText, out _);
        }
    }

    private Task NotifyAsync(JsonObject notification)
    {
        Send(notification);
        return Task.CompletedTask;
    }

    private void Send(JsonObject message) => _outgoing.Writer.TryWrite(message);

    private async Task WriteAsync(Stream output)
    {
        await foreach (var message in _outgoing.Reader.ReadAllAsync()) await Lines.WriteAsync(output, message.ToJsonString());
    }
}
