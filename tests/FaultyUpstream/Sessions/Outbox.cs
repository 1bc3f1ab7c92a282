using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using System.Threading.Channels;

namespace FaultyUpstream.Sessions;

/// <summary>A message on its way to the client, or half of one followed by the end of everything.</summary>
internal readonly record struct Outgoing(string Text, bool Half);

/// <summary>What the server sends on a session's own stream. Invariant: at most one reader, which whoever attached is; without one nothing is kept.</summary>
internal sealed class Outbox
{
    private readonly Channel<Outgoing> _messages = Channel.CreateUnbounded<Outgoing>(new UnboundedChannelOptions { SingleReader = true });
    private int _attached;

    public bool IsAttached => Volatile.Read(ref _attached) == 1;

    /// <returns>False when somebody reads already.</returns>
    public bool TryAttach() => Interlocked.CompareExchange(ref _attached, 1, 0) == 0;

    public void Detach() => Volatile.Write(ref _attached, 0);

    /// <returns>False when nobody reads, and the message is gone.</returns>
    public bool Post(JsonObject message, bool half = false) => IsAttached && _messages.Writer.TryWrite(new Outgoing(message.ToJsonString(), half));

    /// <summary>Messages as they come, until cancelled; what was posted before that still comes.</summary>
    public async IAsyncEnumerable<Outgoing> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (await WaitAsync(cancellationToken))
        {
            while (_messages.Reader.TryRead(out var message)) yield return message;
        }

        while (_messages.Reader.TryRead(out var late)) yield return late;
    }

    private async ValueTask<bool> WaitAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _messages.Reader.WaitToReadAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
