using McpGateway.Endpoints.Streams;
using McpGateway.Protocol;

namespace McpGateway.Endpoints.Replicas;

/// <summary>
/// Sends a stream that is kept here to the gateway that its client has come back to, as it would go to the client. One batch is on its
/// way at a time: the next goes when the other gateway has it, and one that got lost goes again. What the client has not got stays kept here.
/// </summary>
/// <param name="replicas">The way to it.</param>
/// <param name="to">The other gateway.</param>
/// <param name="id">Under which it knows this relay.</param>
/// <param name="session">The client's session.</param>
/// <param name="stream">What is sent.</param>
/// <param name="time">The clock.</param>
internal sealed class StreamRelay(IReplicas replicas, string to, string id, ClientSession session, ClientStream stream, TimeProvider time) : IStreamOutlet
{
    /// <summary>Several beats of the other gateway: without them it, or its client, has gone.</summary>
    private static readonly TimeSpan s_patience = RelayedStreams.Beat * 4;

    private readonly WakeUp _wakeUp = new();
    private long _heardAt = time.GetTimestamp();
    private long _acknowledged = -1;
    private volatile bool _isBehind;
    private volatile bool _isEnding;
    private volatile bool _isLeft;

    public bool IsSilent => time.GetElapsedTime(Volatile.Read(ref _heardAt)) > s_patience;

    /// <summary>Sends until the stream's end, until another connection takes it over, or until the other gateway leaves.</summary>
    /// <param name="after">Number of the last event that the client has.</param>
    public async Task RunAsync(long after)
    {
        stream.Attach(this, after);
        try
        {
            // It is ready for the first batch when it says so.
            await IsTakenAsync(0);
            var isOver = false;
            for (var number = 1; !isOver && !_isLeft; number++)
            {
                using var batch = new MessageBuffer();
                isOver = !await FillAsync(batch);
                do await SendAsync(number, batch, isOver);
                while (!await IsTakenAsync(number));
            }
        }
        finally
        {
            stream.Detach(this);
        }
    }

    /// <summary>The other gateway lives, and has the batches up to this one.</summary>
    public void Acknowledge(long number)
    {
        Volatile.Write(ref _heardAt, time.GetTimestamp());
        if (number <= Interlocked.Read(ref _acknowledged)) _isBehind = true;
        else Interlocked.Exchange(ref _acknowledged, number);
        Wake();
    }

    /// <summary>The other gateway, or its client, has gone.</summary>
    public void Leave()
    {
        _isLeft = true;
        Wake();
    }

    public void Wake() => _wakeUp.Set();

    public void End(TimeSpan? retry)
    {
        _isEnding = true;
        Wake();
    }

    /// <summary>Waits for something to send; false when it is the last.</summary>
    private async Task<bool> FillAsync(MessageBuffer batch)
    {
        while (!_isLeft)
        {
            var progress = stream.WriteTo(batch, this);
            if (progress != StreamProgress.Idle) return progress == StreamProgress.More;
            if (_isEnding) return false;
            await _wakeUp.WaitAsync();
        }

        return false;
    }

    private async Task SendAsync(long number, MessageBuffer batch, bool isOver)
    {
        _isBehind = false;
        var message = new ReplicaMessage(ReplicaMessageKind.Batch, session.Id) { Relay = id, Number = number, Body = batch.Span.ToArray(), IsOver = isOver };
        if (await replicas.PostAsync(to, message) == PostOutcome.Dead) Leave();
    }

    /// <summary>Waits until the other gateway has a batch, or has left; false when it says that it has not, and is to get it again.</summary>
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
