using System.Threading.Channels;

namespace McpGateway.Endpoints.Replicas;

/// <summary>
/// One call that goes on at another gateway, as its client's gateway sees it: the parts of its answer, each once and in order. The desk
/// adds them, one reader passes them on.
/// </summary>
internal sealed class ForwardedCall
{
    // The owner sends one at a time; that is the bound.
    private readonly Channel<ReplicaMessage> _parts = Channel.CreateUnbounded<ReplicaMessage>(new UnboundedChannelOptions { SingleReader = true });
    private long _taken;
    private long _passedOn;

    public string Id { get; } = RedisReplicas.NewId();

    /// <summary>What has come; ends early when no more will come.</summary>
    public IAsyncEnumerable<ReplicaMessage> ReadAsync(CancellationToken cancellationToken) => _parts.Reader.ReadAllAsync(cancellationToken);

    /// <summary>What the owner is to hear: the last part that the client has, or that one is on its way to it.</summary>
    public long Acknowledged => Interlocked.Read(ref _passedOn) is var passedOn && passedOn == Interlocked.Read(ref _taken) ? passedOn : RelayLine.Busy;

    /// <summary>Takes a part, unless it has come before.</summary>
    /// <returns>True when the owner has to hear again that the client has it.</returns>
    public bool Take(ReplicaMessage part)
    {
        if (part.Number == _taken + 1)
        {
            // First the number: until the reader has passed the part on, no beat may say that nothing has come.
            Interlocked.Exchange(ref _taken, part.Number);
            _parts.Writer.TryWrite(part);
            return false;
        }

        return part.Number <= Interlocked.Read(ref _passedOn);
    }

    /// <summary>The client has got a part.</summary>
    public void PassedOn(ReplicaMessage part) => Interlocked.Exchange(ref _passedOn, part.Number);

    /// <summary>No more will come.</summary>
    public void Lose() => _parts.Writer.TryComplete();
}
