using System.Diagnostics.CodeAnalysis;
using McpGateway.Endpoints.Streams;

namespace McpGateway.Endpoints.Replicas;

/// <summary>
/// The end of a relay that sends to another gateway, part by part. One part is on its way at a time: the next goes when the other
/// gateway has it, and one that got lost goes again. One sender; the desk alone acknowledges, and anybody may leave.
/// </summary>
/// <param name="replicas">The way to it.</param>
/// <param name="to">The other gateway.</param>
/// <param name="id">Under which it knows this relay.</param>
/// <param name="session">The client's session; empty for none.</param>
/// <param name="time">The clock.</param>
[SuppressMessage("Design", "CA1001", Justification = "A source without timer or link holds nothing to dispose of, and may be left when the relay is over.")]
internal sealed class RelayLine(IReplicas replicas, string to, string id, string session, TimeProvider time)
{
    /// <summary>How often the owner hears that the client is still there, and the other gateway finds out that the owner is.</summary>
    public static readonly TimeSpan Beat = TimeSpan.FromSeconds(2);

    /// <summary>Several beats: without them the other gateway, or its client, has gone.</summary>
    public static readonly TimeSpan Patience = Beat * 4;

    /// <summary>Acknowledges nothing: the other gateway lives, and is busy with the part it has.</summary>
    public const long Busy = -1;

    private readonly WakeUp _wakeUp = new();
    private readonly CancellationTokenSource _left = new();
    private long _heardAt = time.GetTimestamp();
    private long _sent;
    private long _acknowledged = -1;
    private volatile bool _isBehind;
    private volatile bool _isLeft;

    public bool IsSilent => time.GetElapsedTime(Volatile.Read(ref _heardAt)) > Patience;

    public bool IsLeft => _isLeft;

    /// <summary>Cancelled when the other gateway, or its client, has gone.</summary>
    public CancellationToken Left => _left.Token;

    /// <summary>Waits until the other gateway says that it is ready for the first part, or has left.</summary>
    public Task ReadyAsync() => IsTakenAsync(0);

    /// <summary>Sends a part, and waits until the other gateway has it, or has left.</summary>
    public async Task SendAsync(ReplicaMessage part)
    {
        var number = ++_sent;
        do
        {
            _isBehind = false;
            if (await replicas.PostAsync(to, part with { Session = session, Relay = id, Number = number }) == PostOutcome.Dead) Leave();
        }
        while (!await IsTakenAsync(number));
    }

    /// <summary>The other gateway lives, and has the parts up to this one.</summary>
    public void Acknowledge(long number)
    {
        Volatile.Write(ref _heardAt, time.GetTimestamp());
        if (number == Busy) return;
        if (number <= Interlocked.Read(ref _acknowledged)) _isBehind = true;
        else Interlocked.Exchange(ref _acknowledged, number);
        Wake();
    }

    /// <summary>The other gateway, or its client, has gone.</summary>
    public void Leave()
    {
        _isLeft = true;
        // Not on this thread: the desk waits for nobody.
        _ = _left.CancelAsync();
        Wake();
    }

    public void Wake() => _wakeUp.Set();

    /// <summary>Waits for an acknowledgement, a leave, or <see cref="Wake"/>.</summary>
    public ValueTask WaitAsync() => _wakeUp.WaitAsync();

    /// <summary>Waits until the other gateway has a part, or has left; false when it says that it has not, and is to get it again.</summary>
    private async Task<bool> IsTakenAsync(long number)
    {
        while (!_isLeft && Interlocked.Read(ref _acknowledged) < number)
        {
            if (_isBehind) return false;
            await _wakeUp.WaitAsync();
        }

        return true;
    }
}
